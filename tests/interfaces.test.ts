import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { EngineProcess } from '../embedded/engine-process.ts';
import {
  catalogueSchema,
  liveSchema,
  readySchema,
  refusalSchema,
  streamMessageSchema,
  viewSchema,
} from '../server/http/rest-schema.ts';
import { ServerProcess } from './server-process.ts';
import { root } from './viewcast.ts';

// What the server says of itself, held against what it does: documents, answers and types.

let engine: EngineProcess;
let server: ServerProcess;
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'viewcast-types-'));
  engine = await EngineProcess.start();
  const client = new pg.Client({ connectionString: engine.url });
  await client.connect();
  await client.query('CREATE TABLE thing (name text, size bigint, tags text[], more jsonb)');
  await client.query(
    `INSERT INTO thing VALUES ('a', 1, '{x}', '{"y":[1]}'), (NULL, NULL, NULL, NULL)`,
  );
  await client.query('CREATE MATERIALIZED VIEW things AS SELECT count(*) AS count FROM thing');
  await client.query(
    `CREATE MATERIALIZED VIEW "all of 'em" AS SELECT name AS "the */ name", size, tags, more, true AS ok FROM thing`,
  );
  await client.end();
  server = await ServerProcess.start(engine.url);
});

afterAll(async () => {
  await server?.stop();
  await engine?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('npm run types writes what the compiler and the client take', () => {
  const out = join(folder, 'views.ts');
  const said = execFileSync(
    process.execPath,
    [join(root, 'scripts/types.ts'), server.http, '--out', out],
    { encoding: 'utf8' },
  );
  expect(said).toContain('2 views');
  expect(readFileSync(out, 'utf8')).toContain('"all of \'em"');
  const client = JSON.stringify(join(root, 'client/client.ts'));
  writeFileSync(
    join(folder, 'use.ts'),
    `import { connect } from ${client};
import type { Json, SqlArray, Views } from './views.ts';
const client = connect<Views>('ws://localhost');
const things = client.subscribe('things').rows('things');
const count: number | string | null | undefined = things[0]?.[0];
const [row] = client.subscribe("all of 'em").rows("all of 'em");
const tags: SqlArray<string> | null | undefined = row?.[2];
const more: Json | undefined = row?.[3];
const ok: boolean | null | undefined = row?.[4];
// @ts-expect-error: there is no such view
client.subscribe('nothing');
// @ts-expect-error: a count is no boolean
const wrong: boolean | undefined = things[0]?.[0];
export { count, more, ok, tags, wrong };
`,
  );
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const config = { extends: join(root, 'tsconfig.json'), include: ['*.ts'] };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      ...config,
      compilerOptions: {
        types: [],
        lib: ['es2023', 'dom'],
        rewriteRelativeImportExtensions: false,
      },
    }),
  );
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', folder], { stdio: 'inherit' });
});

test('npm run types says what is wrong with the server it was given', () => {
  const run = () =>
    execFileSync(process.execPath, [join(root, 'scripts/types.ts'), 'http://127.0.0.1:9'], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  expect(run).toThrow(/cannot take the views from http:\/\/127\.0\.0\.1:9\/api\/views: /);
});

const pathsSchema = z.record(
  z.string(),
  z.object({ get: z.object({ responses: z.record(z.string(), z.unknown()) }).optional() }),
);

async function documentedPaths(): Promise<z.infer<typeof pathsSchema>> {
  const response = await fetch(`${server.http}/openapi.json`);
  return z.object({ paths: pathsSchema }).parse(await response.json()).paths;
}

test('answers fit the schemas that /openapi.json shows', async () => {
  const cases: readonly (readonly [string, number, z.ZodType])[] = [
    ['/api/views', 200, catalogueSchema],
    ['/api/views/things', 200, viewSchema],
    [`/api/views/${encodeURIComponent("all of 'em")}`, 200, viewSchema],
    ['/api/views/nothing', 404, refusalSchema],
    ['/api/stream/nothing', 404, refusalSchema],
    ['/livez', 200, liveSchema],
    ['/readyz', 200, readySchema],
  ];
  const paths = await documentedPaths();
  expect(Object.keys(paths)).toContain('/api/views/{view}');
  for (const [path, status, schema] of cases) {
    const response = await fetch(server.http + path);
    expect([path, response.status]).toEqual([path, status]);
    expect(schema.safeParse(await response.json()).error, path).toBeUndefined();
  }
});

test('every path of /openapi.json that can be got answers as it says', async () => {
  const paths = Object.entries(await documentedPaths());
  expect(paths.filter(([, { get }]) => get === undefined).map(([path]) => path)).toEqual([
    '/api/messages',
  ]);
  for (const [path, { get }] of paths) {
    if (get === undefined) continue;
    const response = await fetch(server.http + path.replace('{view}', 'things'), {
      method: 'HEAD',
    });
    expect(Object.keys(get.responses), path).toContain(String(response.status));
  }
});

test('a stream message fits its schema', async () => {
  const response = await fetch(`${server.http}/api/stream/things`);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('\n')) text += (await reader?.read())?.value ?? '\n';
  await reader?.cancel();
  expect(streamMessageSchema.safeParse(JSON.parse(text)).error).toBeUndefined();
});
