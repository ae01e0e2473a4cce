import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Upstream } from '../server/upstream/upstream.ts';
import { choosePort } from '../start/ports.ts';
import { PostgresProcess, whyNoPostgres } from './postgres-process.ts';
import { root } from './viewcast.ts';

describe.skipIf(whyNoPostgres !== '')(`a plain PostgreSQL ${whyNoPostgres}`, () => {
  let postgres: PostgresProcess;

  beforeAll(async () => {
    postgres = await PostgresProcess.start(await choosePort('127.0.0.1', 0, ''));
  });
  afterAll(() => postgres?.stop());

  function serve(url: string) {
    const argv = ['server/main.ts', '--upstream', url, '--views', 'counter', '--port', '0'];
    return spawnSync(process.execPath, argv, { cwd: root, encoding: 'utf8', timeout: 30_000 });
  }

  test('is refused at once, with what to do', () => {
    const { status, stderr } = serve(postgres.url);
    expect(stderr).toContain('the upstream must be Materialize or viewcast');
    expect(stderr).toContain('check VIEWCAST_UPSTREAM');
    expect(stderr).not.toContain('secret');
    expect(status).toBe(1);
  });

  test.each([
    ['a wrong password', 'viewcast:wrong@', 'check the user and password'],
    ['no password', 'viewcast@', 'the upstream asks for a password'],
  ])('%s is told as such, before that', async (_, user, sentence) => {
    const url = postgres.url.replace('viewcast:secret@', user);
    await expect(new Upstream({ url, report: () => {} }).check()).rejects.toThrow(sentence);
  });
});
