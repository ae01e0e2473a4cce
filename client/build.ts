import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, minify, type Rolldown } from 'vite';

/**
 * Builds the client into `client/dist`: ECMAScript modules and their declarations. Prints what each
 * weighs; ends with 1 when what every page loads is beyond the limit.
 */

/** What `connect` and `subscribe` should load at most, in gzipped bytes. */
const AIM_BYTES = 5_000;
/** Beyond this somebody must have let something in. */
const MAX_BYTES = 5_250;

/** What may be imported, each by itself; all else is loaded when it is needed. */
const ENTRIES = ['client', 'batches', 'sorted', 'submit'];

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = fileURLToPath(new URL('dist', import.meta.url));

/** In vite's library mode, since its other one adds 0.7 kB to preload styles. */
async function bundle(): Promise<readonly Rolldown.OutputChunk[]> {
  const built = await build({
    configFile: false,
    root,
    logLevel: 'warn',
    publicDir: false,
    build: {
      write: false,
      target: 'es2023',
      minify: false,
      lib: { entry: ENTRIES.map((name) => `client/${name}.ts`), formats: ['es'] },
      rolldownOptions: {
        // Else what entries share goes into a chunk of its own.
        preserveEntrySignatures: 'allow-extension',
        output: { chunkFileNames: '[name].js', entryFileNames: '[name].js' },
      },
    },
  });
  const outputs = [built].flat().flatMap((one) => ('output' in one ? one.output : []));
  return outputs.filter((one) => one.type === 'chunk');
}

async function minified({ fileName, code }: Rolldown.OutputChunk): Promise<string> {
  const options = { module: true, compress: { target: 'es2023' }, mangle: true } as const;
  const { code: small, errors } = await minify(fileName, code, options);
  if (errors.length > 0) throw new Error(`${fileName} cannot be made smaller`, { cause: errors });
  return small;
}

/** A chunk and all that is loaded with it at once. */
function loadedWith(name: string, chunks: readonly Rolldown.OutputChunk[]): readonly string[] {
  const imports = chunks.find(({ fileName }) => fileName === name)?.imports ?? [];
  return [...new Set([name, ...imports.flatMap((one) => loadedWith(one, chunks))])];
}

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
const chunks = await bundle();
const sizes = new Map<string, number>();
for (const chunk of chunks) {
  const code = await minified(chunk);
  writeFileSync(`${dist}/${chunk.fileName}`, code);
  sizes.set(chunk.fileName, gzipSync(code, { level: 9 }).length);
}
execFileSync(
  process.execPath,
  [`${root}/node_modules/typescript/bin/tsc`, '-p', `${root}/client/tsconfig.build.json`],
  { stdio: 'inherit' },
);

const say = (line: string) => process.stdout.write(`${line}\n`);
say('client/dist, gzipped:');
for (const [name, bytes] of sizes) say(`${String(bytes).padStart(6)}  ${name}`);
const first = loadedWith('client.js', chunks);
const bytes = first.reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
say(`connect and subscribe load ${first.join(', ')}: ${bytes} bytes.`);
say(`The aim of ${AIM_BYTES} is ${bytes <= AIM_BYTES ? 'met' : 'missed'}.`);
if (bytes > MAX_BYTES) process.exitCode = 1;
