import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { apply } from './apply.ts';
import type { Database } from './hand-made.ts';
import { openLedger } from './ledger.ts';
import { readSqlFiles } from './sql-folder.ts';

/** As much of a catalogue as `apply` sees; a view uses the relations behind its FROMs. */
class Catalogue implements Database {
  readonly relations = new Map<string, { type: string; sql: string; uses: readonly string[] }>();
  readonly ran: string[] = [];

  async query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    this.ran.push(sql);
    if (sql.includes('mz_objects')) {
      return [...this.relations].map(([name, { type }]) => ({ name, type }));
    }
    const [, shown] = /^SHOW CREATE .*VIEW "(\w+)"$/.exec(sql) ?? [];
    if (shown !== undefined) return [{ create_sql: `${this.relations.get(shown)?.sql};` }];
    const [, dropped] = /^DROP .*VIEW IF EXISTS "(\w+)" CASCADE$/.exec(sql) ?? [];
    if (dropped !== undefined) this.#drop(dropped);
    else if (sql.startsWith('CREATE')) this.#create(sql);
    else this.#require(sql);
    return [];
  }

  #drop(name: string): void {
    this.relations.delete(name);
    for (const [dependent, { uses }] of this.relations) {
      if (uses.includes(name)) this.#drop(dependent);
    }
  }

  #create(sql: string): void {
    const [, words = '', name = ''] =
      /^CREATE (MATERIALIZED VIEW|VIEW|TABLE) (\w+)/.exec(sql) ?? [];
    if (this.relations.has(name)) throw databaseError(`relation ${name} exists`);
    const uses = this.#require(sql);
    this.relations.set(name, { type: words.toLowerCase().replace(' ', '-'), sql, uses });
  }

  #require(sql: string): readonly string[] {
    const uses = [...sql.matchAll(/FROM (\w+)/g)].map(([, name = '']) => name);
    for (const name of uses) {
      if (!this.relations.has(name)) throw databaseError(`unknown ${name}`, sql.indexOf(name) + 1);
    }
    return uses;
  }
}

function databaseError(message: string, position?: number): Error {
  return Object.assign(new Error(message), { severity: 'ERROR', code: 'XX000', position });
}

let folder: string;
let ledgers = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'viewcast-apply-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function nextLedgerFile(): string {
  return join(folder, `${ledgers++}.json`);
}

/** Opens the ledger anew each time, as a start does. */
async function run(database: Catalogue, ledgerFile: string, source: string) {
  const { definitions, problems } = readSqlFiles([{ file: 'a.sql', source }]);
  const ledger = openLedger(ledgerFile, 'store');
  const applied = await apply(database, ledger, definitions, problems.length === 0);
  return { ...applied, problems: [...problems, ...applied.problems] };
}

const BASE = 'CREATE TABLE t (a int);';
const VIEWS = `CREATE MATERIALIZED VIEW top AS SELECT 1 FROM mid;
CREATE VIEW mid AS SELECT 2 FROM t;`;

test('what is missing is created in any order, and nothing is done the second time', async () => {
  const [database, file] = [new Catalogue(), nextLedgerFile()];
  const first = await run(database, file, BASE + VIEWS);
  expect(first).toMatchObject({ created: ['t', 'mid', 'top'], dropped: [], problems: [] });
  const before = database.ran.length;
  const second = await run(database, file, BASE + VIEWS);
  expect(second).toEqual({ created: [], replaced: [], dropped: [], problems: [] });
  expect(database.ran.slice(before).filter((sql) => /^(?:CREATE|DROP)/.test(sql))).toEqual([]);
});

test('a changed view is made anew with what stands upon it', async () => {
  const [database, file] = [new Catalogue(), nextLedgerFile()];
  await run(database, file, BASE + VIEWS);
  const changed = await run(database, file, BASE + VIEWS.replace('SELECT 2', 'SELECT 3'));
  expect(changed).toMatchObject({ created: [], dropped: [], problems: [] });
  expect([...changed.replaced].sort()).toEqual(['mid', 'top']);
  expect(database.relations.get('mid')?.sql).toContain('SELECT 3');
});

test('a wrong new definition leaves the old view and tells file and line', async () => {
  const [database, file] = [new Catalogue(), nextLedgerFile()];
  await run(database, file, BASE + VIEWS);
  const { problems, dropped } = await run(
    database,
    file,
    `${BASE}\n${VIEWS.replace('FROM t', '\n\nFROM nowhere')}`,
  );
  expect(problems).toEqual(['a.sql:5: mid: unknown nowhere']);
  expect(dropped).toEqual([]);
  expect([...database.relations.keys()].sort()).toEqual(['mid', 't', 'top']);
});

test('a view that left sql/ is dropped, one made by hand stays', async () => {
  const [database, file] = [new Catalogue(), nextLedgerFile()];
  await run(database, file, BASE + VIEWS);
  await database.query('CREATE VIEW mine AS SELECT 1 FROM t');
  const { dropped } = await run(database, file, BASE);
  expect([...dropped].sort()).toEqual(['mid', 'top']);
  expect([...database.relations.keys()]).toEqual(['t', 'mine']);
});

test('a file that cannot be read drops nothing', async () => {
  const [database, file] = [new Catalogue(), nextLedgerFile()];
  await run(database, file, BASE + VIEWS);
  const { dropped, problems } = await run(database, file, `${BASE} CREATE VIEW "open`);
  expect(dropped).toEqual([]);
  expect(problems).toHaveLength(1);
});

test('a view made by hand comes back after the one it stands upon has changed', async () => {
  const [database, file] = [new Catalogue(), nextLedgerFile()];
  await run(database, file, BASE + VIEWS);
  await database.query('CREATE VIEW mine AS SELECT 1 FROM mid');
  const changed = BASE + VIEWS.replace('SELECT 2', 'SELECT 3');
  expect(await run(database, file, changed)).toMatchObject({ dropped: [], problems: [] });
  expect(database.relations.has('mine')).toBe(true);
});

test('a name taken by hand is told, unless it is the same view', async () => {
  const [database, file] = [new Catalogue(), nextLedgerFile()];
  await database.query('CREATE TABLE t (a int)');
  await database.query('CREATE VIEW mid AS SELECT 2 FROM t');
  await database.query('CREATE MATERIALIZED VIEW top AS SELECT 9 FROM t');
  const { problems } = await run(database, file, BASE + VIEWS);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain('a view top exists that was not made from sql/');
});

test('a table whose definition changed keeps its rows and is told', async () => {
  const [database, file] = [new Catalogue(), nextLedgerFile()];
  await run(database, file, BASE);
  const { problems } = await run(database, file, 'CREATE TABLE t (a int, b int);');
  expect(problems[0]).toContain('t exists as a table with another definition');
});

test('the ledger of another store counts as empty', async () => {
  const file = nextLedgerFile();
  openLedger(file, 'one').set('v', 'x');
  expect(openLedger(file, 'one').get('v')).toBe('x');
  expect(openLedger(file, 'two').names()).toEqual([]);
});

test('any sequence of edits ends where its last state starts', async () => {
  const names = ['a', 'b', 'c', 'd'];
  // A view uses views before it only, so that there is no circle.
  const state = fc.tuple(
    ...names.map((_, at) =>
      fc.option(fc.record({ uses: fc.integer({ min: -1, max: at - 1 }), n: fc.nat({ max: 2 }) })),
    ),
  );
  const render = (views: readonly ({ uses: number; n: number } | null)[]) =>
    BASE +
    views
      .map((view, at) =>
        view === null
          ? ''
          : `CREATE VIEW ${names[at]} AS SELECT ${view.n} FROM ${names[view.uses] ?? 't'};`,
      )
      .reverse()
      .join('\n');
  const shape = (database: Catalogue) =>
    [...database.relations].map(([name, { sql }]) => `${name} ${sql}`).sort();
  await fc.assert(
    fc.asyncProperty(fc.array(state, { minLength: 1, maxLength: 5 }), async (states) => {
      const [edited, fresh] = [new Catalogue(), new Catalogue()];
      const [editedFile, freshFile] = [nextLedgerFile(), nextLedgerFile()];
      for (const views of states) {
        const { problems } = await run(edited, editedFile, render(views));
        const complete = views.every((view) => view === null || view.uses < 0 || views[view.uses]);
        if (complete) expect(problems).toEqual([]);
        // From a state with a missing base, what could not be made again is not there to compare.
        if (!complete) return;
      }
      await run(fresh, freshFile, render(states.at(-1) ?? []));
      expect(shape(edited)).toEqual(shape(fresh));
    }),
    { numRuns: 60 },
  );
});
