import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'viewcast-shell-'));
const psqlMissing =
  process.env.REQUIRE_ALL !== '1' && spawnSync('psql', ['--version']).status !== 0
    ? ' (skipped: no psql here)'
    : '';
const noTerminal =
  process.env.REQUIRE_ALL !== '1' && spawnSync('script', ['--version']).status !== 0
    ? ' (skipped: no script(1) of util-linux here)'
    : '';
const open = new Set<ChildProcess>();
/** Carriage returns, and what moves the cursor. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are sent by terminals' programs.
const TERMINAL_CODES = /\r|\u001b\[[0-9;?]*[A-Za-z]/g;
let engine: ChildProcess;
let port = 0;

interface Printed {
  readonly code: number | null;
  readonly out: string;
  readonly problems: string;
}

beforeAll(async () => {
  engine = fork(join(root, 'embedded', 'main.ts'), [], {
    env: { ...process.env, VIEWCAST_SQL_PORT: '0', VIEWCAST_STORE: folder, VIEWCAST_LOG: 'warn' },
  });
  port = await new Promise<number>((resolve, reject) => {
    engine.on('message', (message) => {
      if (typeof message !== 'object' || message === null || !('port' in message)) return;
      resolve(Number(message.port));
    });
    engine.once('close', (code) => reject(new Error(`the engine ended with ${code}`)));
  });
  await shell('own', [
    '-c',
    `CREATE TABLE edits (name text, bytes int, note text);
     INSERT INTO edits VALUES ('Ann', 10, 'a'), ('Fæ', -2, NULL), ('日本', 300, E'two\\nlines');
     CREATE MATERIALIZED VIEW totals AS SELECT name, sum(bytes) AS bytes FROM edits GROUP BY name`,
  ]);
});

afterAll(async () => {
  for (const child of open) child.kill();
  const ended = new Promise((resolve) => engine.once('exit', resolve));
  engine.disconnect();
  await ended;
  rmSync(folder, { recursive: true });
});

function start(kind: 'own' | 'psql', args: readonly string[]) {
  const script = join(root, 'start', 'sql-shell.ts');
  return spawn(process.execPath, [script, '--shell', kind, '-p', String(port), ...args], {
    env: { ...process.env, PSQLRC: '/dev/null', PAGER: '' },
  });
}

function shell(kind: 'own' | 'psql', args: readonly string[], input = ''): Promise<Printed> {
  const child = start(kind, args);
  let [out, problems] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    problems += chunk.toString();
  });
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, out, problems }));
  });
}

describe.skipIf(psqlMissing !== '')(`the own shell prints as psql does${psqlMissing}`, () => {
  test.each([
    'SELECT * FROM edits ORDER BY name COLLATE "C"',
    'SHOW VIEWS',
    'SHOW COLUMNS FROM edits',
    'SELECT 1 AS one; SELECT NULL AS nothing, true AS yes, 2.50 AS number',
    "SELECT ''",
    'SELECT * FROM totals WHERE false',
    "INSERT INTO edits VALUES ('Bob', 1, 'x')",
    'COPY (SELECT name, note FROM edits ORDER BY 1) TO STDOUT',
    'SELECT missing FROM edits',
    'CREATE MATERIALIZED VIEW totals AS SELECT 1',
  ])('%s', async (sql) => {
    const [own, psql] = await Promise.all([shell('own', ['-c', sql]), shell('psql', ['-c', sql])]);
    expect(own).toEqual(psql);
  });

  test('statements from standard input, over several lines', async () => {
    const script = "SELECT 1\n  AS one;\nSELECT 'a;b' AS text; SELECT nope;\nSHOW VIEWS;\n";
    const [own, psql] = await Promise.all([shell('own', [], script), shell('psql', [], script)]);
    expect(own.out).toBe(psql.out);
    expect(own.code).toBe(psql.code);
  });
});

describe.skipIf(noTerminal !== '')(`on a terminal${noTerminal}`, () => {
  const kinds = psqlMissing === '' ? (['own', 'psql'] as const) : (['own'] as const);
  test.each(kinds)(
    '%s: COPY (TAIL …) streams until Ctrl-C, and the prompt returns',
    async (kind) => {
      const terminal = openTerminal(kind);
      await terminal.shows('materialize=> ');
      terminal.type('COPY (TAIL totals)\n  TO STDOUT;\n');
      await terminal.shows('\t1\tAnn\t10');
      await shell('own', ['-c', `INSERT INTO edits VALUES ('by ${kind}', 77, NULL)`]);
      await terminal.shows(`\t1\tby ${kind}\t77`);
      terminal.type('\u0003');
      await terminal.shows('canceling statement due to user request');
      terminal.type('SELECT 40 + 2 AS answer;\n');
      await terminal.shows(' answer \n--------\n     42\n(1 row)');
      terminal.type('\\q\n');
      expect(await terminal.ended).toBe(0);
    },
  );

  test('Ctrl-C at the prompt drops what was typed', async () => {
    const terminal = openTerminal('own');
    await terminal.shows('materialize=> ');
    terminal.type('SELECT nonsense\n');
    await terminal.shows('materialize-> ');
    terminal.type('and more\u0003');
    await terminal.shows('materialize=> ');
    terminal.type("SELECT 'fine' AS it;\n");
    await terminal.shows(' fine\n(1 row)');
    terminal.type('\u0004');
    expect(await terminal.ended).toBe(0);
  });
});

/** A shell on a terminal of its own, which `script` makes. */
function openTerminal(kind: 'own' | 'psql') {
  const script = join(root, 'start', 'sql-shell.ts');
  // `exec`, since a shell in between would get Ctrl-C, too, and dash then ends with 130.
  const command = `exec '${process.execPath}' '${script}' --shell ${kind} -p ${port}`;
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: {
      ...process.env,
      PSQLRC: '/dev/null',
      PAGER: '',
      TERM: 'xterm',
      PSQL_HISTORY: '/dev/null',
    },
  });
  open.add(child);
  let shown = '';
  let from = 0;
  const listeners = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString().replaceAll(TERMINAL_CODES, '');
    for (const listener of listeners) listener();
  });
  return {
    type: (text: string) => void child.stdin.write(text),
    /** Resolves when the text stands there, after what was waited for before. */
    shows: (text: string) =>
      new Promise<void>((resolve) => {
        const check = () => {
          const at = shown.indexOf(text, from);
          if (at < 0) return;
          from = at + text.length;
          listeners.delete(check);
          resolve();
        };
        listeners.add(check);
        check();
      }),
    ended: new Promise<number | null>((resolve) => child.once('exit', resolve)),
  };
}

test('without a server it says what to do', async () => {
  const child = spawnSync(process.execPath, [
    join(root, 'start', 'sql-shell.ts'),
    ...['--shell', 'own', '-p', '1', '-c', 'SELECT 1'],
  ]);
  expect(child.status).toBe(2);
  expect(child.stderr.toString()).toMatch(/no SQL server answers at 127.0.0.1 port 1 .*npm start/);
});

test('bad arguments are refused in a sentence', async () => {
  expect(await shell('own', ['--shell', 'mine'])).toMatchObject({
    code: 2,
    problems: 'viewcast: --shell is "mine": expected own or psql\n',
  });
  expect((await shell('own', ['-x'])).problems).toContain('-x: only psql knows this');
});
