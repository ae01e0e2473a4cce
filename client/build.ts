import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

/**
 * Builds the client into `client/dist`: one ECMAScript module without imports, and its
 * declarations. Prints the size; ends with 1 when it is beyond the limit.
 */

/** Beyond this, in gzipped bytes, somebody must have let something in; 5 kB is the aim. */
const MAX_BYTES = 7_500;

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = fileURLToPath(new URL('dist', import.meta.url));

await build({
  configFile: false,
  root,
  logLevel: 'warn',
  publicDir: false,
  build: {
    outDir: dist,
    emptyOutDir: true,
    target: 'es2023',
    minify: true,
    modulePreload: false,
    // Not vite's library mode, which leaves the white space in.
    rolldownOptions: {
      input: 'client/client.ts',
      preserveEntrySignatures: 'strict',
      output: { format: 'es', entryFileNames: 'client.js' },
    },
  },
});
execFileSync(
  process.execPath,
  [`${root}/node_modules/typescript/bin/tsc`, '-p', `${root}/client/tsconfig.build.json`],
  { stdio: 'inherit' },
);

const code = readFileSync(`${dist}/client.js`);
const bytes = gzipSync(code, { level: 9 }).length;
process.stdout.write(`client.js: ${code.length} bytes, ${bytes} gzipped (limit ${MAX_BYTES})\n`);
if (bytes > MAX_BYTES) process.exitCode = 1;
