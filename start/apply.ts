/**
 * Brings the relations of an engine to what `sql/` says:
 *
 * - what is missing is created; a view may stand before those it uses, as what fails is tried again
 *   after the others;
 * - a view whose definition changed is checked, dropped with its dependents and created again, and
 *   so are the dependents; when the new definition is wrong, the old view stays;
 * - a view that came from `sql/` and no longer stands there is dropped;
 * - views made by hand stay; one that stood upon a changed view is created again after it;
 * - a table is never dropped, as its rows would be lost: a changed definition is a problem told.
 *   So are a changed source and connection, as whatever is read through them would go with them.
 */
import { quoteName, tokenize } from '../embedded/lexer.ts';
import { type Definition, lineAt } from './definition.ts';
import { type Database, type RelationKind, restoreViews, showCreate } from './hand-made.ts';
import type { Ledger } from './ledger.ts';
import { messageOf } from './message-of.ts';

/** What changed, by name, and what is wrong, each problem one sentence with file and line. */
export interface Applied {
  readonly created: readonly string[];
  readonly replaced: readonly string[];
  readonly dropped: readonly string[];
  readonly problems: readonly string[];
}

type Relations = Map<string, RelationKind>;

/** What one run has done so far. */
interface Run {
  readonly database: Database;
  readonly ledger: Ledger;
  readonly relations: Relations;
  readonly created: Set<string>;
  readonly replaced: Set<string>;
  readonly dropped: Set<string>;
}

/**
 * Applies the definitions, no two of one name; see the top of this file. `complete` says that they
 * are all there are: else nothing counts as removed. Rejects only when the engine is away.
 */
export async function apply(
  database: Database,
  ledger: Ledger,
  definitions: readonly Definition[],
  complete: boolean,
): Promise<Applied> {
  const wanted = new Map(definitions.map((definition) => [definition.name, definition]));
  const { relations, byHand } = await survey(database, ledger, wanted);
  const run: Run = {
    database,
    ledger,
    relations,
    created: new Set(),
    replaced: new Set(),
    dropped: new Set(),
  };
  if (complete) await dropRemoved(run, wanted);
  const problems = await settle(run, wanted);
  const restored = await restoreViews(database, onlyIn(byHand, run.dropped));
  for (const name of restored.names) run.dropped.delete(name);
  problems.push(...restored.problems);
  const { created, replaced, dropped } = run;
  return { created: [...created], replaced: [...replaced], dropped: [...dropped], problems };
}

/** What there is, before anything is changed. */
export interface Survey {
  readonly relations: Relations;
  /** The statements of the views that are not from `sql/`, as a CASCADE may take them along. */
  readonly byHand: ReadonlyMap<string, string>;
}

export type Wanted = ReadonlyMap<string, Definition>;

/** Looks at what there is, and brings the ledger in line with it. */
export async function survey(database: Database, ledger: Ledger, wanted: Wanted): Promise<Survey> {
  const relations = await listRelations(database);
  for (const name of ledger.names()) if (!relations.has(name)) ledger.delete(name);
  const byHand = new Map<string, string>();
  for (const [name, kind] of relations) {
    if (ledger.get(name) !== undefined) continue;
    const sql = await showCreate(database, kind, name);
    const definition = wanted.get(name);
    if (definition !== undefined) adopt(ledger, definition, kind, sql);
    else if (sql !== null) byHand.set(name, sql);
  }
  return { relations, byHand };
}

async function listRelations(database: Database): Promise<Relations> {
  const rows = await database.query(
    database.objects ?? 'SELECT name, type FROM mz_catalog.mz_objects',
  );
  const relations: Relations = new Map();
  for (const { name, type } of rows) if (isKind(type)) relations.set(String(name), type);
  return relations;
}

function isKind(type: unknown): type is RelationKind {
  return KINDS.some((kind) => kind === type);
}

const KINDS: readonly RelationKind[] = [
  'table',
  'view',
  'materialized-view',
  'source',
  'connection',
  'secret',
];

export function isView(kind: RelationKind): kind is 'view' | 'materialized-view' {
  return kind === 'view' || kind === 'materialized-view';
}

/**
 * Enters what exists with the same text and was not entered, as after a crash in between. What is
 * no view counts as the same: it is not replaced in any case.
 */
function adopt(
  ledger: Ledger,
  definition: Definition,
  kind: RelationKind,
  sql: string | null,
): void {
  const isSame = sql !== null && essence(sql) === essence(definition.sql);
  if (isSame || !isView(kind)) ledger.set(definition.name, definition.fingerprint);
}

function onlyIn<V>(map: ReadonlyMap<string, V>, names: ReadonlySet<string>): Map<string, V> {
  return new Map([...map].filter(([name]) => names.has(name)));
}

/**
 * A statement without what Materialize adds when it prints one: quotes, the database and schema of
 * each name, the cluster, the final semicolon. Strings are taken as they are.
 */
function essence(sql: string): string {
  const words = tokenize(sql).map(({ kind, value }) => (kind === 'string' ? `'${value}'` : value));
  return words
    .join(' ')
    .replaceAll(/\b(?:materialize \. public|pg_catalog|mz_catalog) \. /g, '')
    .replace(/ in cluster \S+/, '')
    .replace(/ ;$/, '');
}

async function dropRemoved(run: Run, wanted: Wanted): Promise<void> {
  for (const name of run.ledger.names()) {
    const kind = run.relations.get(name);
    if (wanted.has(name)) continue;
    if (kind !== undefined && isView(kind)) await drop(run, name, kind);
    else run.ledger.delete(name);
  }
}

async function drop(run: Run, name: string, kind: 'view' | 'materialized-view'): Promise<void> {
  const words = kind === 'view' ? 'VIEW' : 'MATERIALIZED VIEW';
  await run.database.query(`DROP ${words} IF EXISTS ${quoteName(name)} CASCADE`);
  const left = await listRelations(run.database);
  for (const gone of [...run.relations.keys()].filter((each) => !left.has(each))) {
    run.relations.delete(gone);
    run.ledger.delete(gone);
    run.dropped.add(gone);
  }
}

/**
 * Creates and replaces until nothing more can be done, as replacing one drops others that stood
 * right before; returns what is then still wrong.
 */
async function settle(run: Run, wanted: Wanted): Promise<string[]> {
  let problems: Map<string, string>;
  let moved: boolean;
  do {
    problems = new Map();
    moved = false;
    for (const definition of wanted.values()) {
      try {
        moved = (await bring(run, definition)) || moved;
      } catch (error) {
        if (isConnectionLoss(error)) throw error;
        problems.set(definition.name, describe(definition, error));
      }
    }
  } while (moved);
  return [...problems.values()];
}

/** Brings one relation to its definition. Returns whether anything had to be done. */
async function bring(run: Run, definition: Definition): Promise<boolean> {
  const { name, kind, fingerprint } = definition;
  const existing = run.relations.get(name);
  if (existing === undefined) {
    await create(run.database, definition);
    run.ledger.set(name, fingerprint);
    run.relations.set(name, kind);
    if (run.dropped.delete(name)) run.replaced.add(name);
    else run.created.add(name);
    return true;
  }
  if (run.ledger.get(name) === fingerprint) return false;
  if (!isView(existing) || !isView(kind)) throw keeps(name, existing);
  if (run.ledger.get(name) === undefined) {
    throw new Error(
      `a view ${name} exists that was not made from sql/: drop it (DROP VIEW ${quoteName(name)}) or give this one another name`,
    );
  }
  await check(run.database, definition);
  await drop(run, name, existing);
  return bring(run, definition);
}

/** What is not replaced: its rows, or those read through it, would be lost. */
export function keeps(name: string, existing: RelationKind): Error {
  const why =
    existing === 'table' || isView(existing)
      ? 'a table is not dropped because its rows would be lost'
      : 'what is read through it would go with it';
  return new Error(
    `${name} exists as a ${existing} with another definition, and ${why}: change it by hand (DROP … CASCADE, then apply again), or start with a new data folder (--data DIR)`,
  );
}

/** @throws the database's error, with a position where a plain query has one. */
async function create(database: Database, definition: Definition): Promise<void> {
  try {
    await database.query(definition.sql);
  } catch (error) {
    if (positionOf(error) === null) await check(database, definition);
    throw error;
  }
}

/** @throws the database's error when the query of the view is wrong. */
async function check(database: Database, { sql, queryStart }: Definition): Promise<void> {
  if (queryStart === null) return;
  // As long as what it stands for, so that the error's position holds in `sql` too.
  const opening = 'SELECT * FROM ('.padEnd(queryStart);
  await database.query(`${opening}${sql.slice(queryStart)}\n) AS definition LIMIT 0`);
}

function describe(definition: Definition, error: unknown): string {
  const position = positionOf(error);
  const inside = position === null ? 0 : lineAt(definition.sql, position) - 1;
  return `${definition.file}:${definition.line + inside}: ${definition.name}: ${messageOf(error)}`;
}

/** Where in the statement the database saw the error, from 0. */
function positionOf(error: unknown): number | null {
  const position = error instanceof Error && 'position' in error ? Number(error.position) : 0;
  return position > 0 ? position - 1 : null;
}

/** pg gives database errors a five-character SQLSTATE; all others come from the connection. */
function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return true;
  const sqlState = 'code' in error && /^[0-9A-Z]{5}$/.test(String(error.code));
  return 'severity' in error ? !sqlState : 'code' in error || /onnection/.test(error.message);
}
