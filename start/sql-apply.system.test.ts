import { execFile } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EngineProcess } from '../embedded/engine-process.ts';
import { root, temporaryFolder } from '../tests/viewcast.ts';

const folder = temporaryFolder();
const sql = join(folder.path, 'sql');
const top10 = join(sql, 'views', 'wikirecent.sql');
let engine: EngineProcess;

beforeAll(async () => {
  cpSync(join(root, 'sql'), sql, { recursive: true });
  engine = await EngineProcess.start();
});
afterAll(async () => {
  await engine?.stop();
  folder.remove();
});

/** `npm run sql:apply` in an environment without settings. */
function apply(...options: readonly string[]) {
  const script = join(root, 'start', 'sql-apply.ts');
  const args = [script, '--upstream', engine.url, '--sql', sql];
  const state = ['--state', join(folder.path, 'state')];
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, [...args, ...state, ...options], { env: {} }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}

test('it says what it will do, does it once, and follows what changes', async () => {
  const dry = await apply('--dry-run');
  expect(dry.code).toBe(0);
  expect(dry.out).toContain('sql/sources/embedded.sql and sql/views/');
  expect(dry.out).toContain('create  materialized view top10');
  expect(dry.out).toContain('\nCREATE MATERIALIZED VIEW top10 AS');
  const first = await apply();
  expect(first).toMatchObject({ code: 0, err: '' });
  expect(first.out).toMatch(/\n\d+ created, 0 replaced, 0 dropped\n$/);
  const second = await apply();
  expect(second.out).toMatch(/keep {4}\d+ that are as they should be\n0 created, 0 replaced/);

  writeFileSync(top10, readFileSync(top10, 'utf8').replace('LIMIT 10', 'LIMIT 11'));
  rmSync(join(sql, 'views', 'example.sql'));
  const plan = await apply('--dry-run');
  expect(plan.out).toContain('replace materialized view top10\n');
  expect(plan.out).toContain('drop    materialized view archive');
  expect((await apply()).out).toMatch(/\n0 created, 1 replaced, [1-9] dropped\n$/);

  // Without its record it knows its own views by their text.
  rmSync(join(folder.path, 'state'), { recursive: true });
  expect((await apply()).out).toContain('0 created, 0 replaced, 0 dropped');
});

test('what it cannot do it says in a sentence', async () => {
  expect(await apply('--dialect', 'kafka')).toMatchObject({
    code: 2,
    err: expect.stringContaining('say where it is with --kafka and --registry'),
  });
  expect(await apply('--what')).toMatchObject({
    code: 2,
    err: expect.stringContaining('npm run sql:apply -- --help'),
  });
  const away = await apply('--upstream', 'postgres://127.0.0.1:1/x');
  expect(away).toMatchObject({ code: 1, err: expect.stringContaining('ECONNREFUSED') });
});
