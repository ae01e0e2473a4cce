import type { Statement } from '../dialect/statement.ts';
import { quoteText } from '../lexer.ts';
import { commandComplete, NO_DATA, parameterStatus } from '../wire/backend.ts';
import { query } from '../wire/request.ts';
import { ALREADY_SENT } from './backend-portal.ts';
import { type Context, closePortals, type Portal, sendNotice } from './context.ts';

/** A statement that answers with its tag only. */
export class CommandPortal implements Portal {
  readonly #context: Context;
  readonly #run: () => Promise<string>;

  constructor(context: Context, run: () => Promise<string>) {
    this.#context = context;
    this.#run = run;
  }

  async describe(): Promise<Uint8Array> {
    return NO_DATA;
  }

  async execute(): Promise<void> {
    this.#context.out.send(commandComplete(await this.#run()));
  }

  close(): void {}
}

/** BEGIN, COMMIT, ROLLBACK. */
export async function runTransactionCommand(
  context: Context,
  kind: 'begin' | 'commit' | 'rollback',
): Promise<string> {
  const { backend } = context;
  if (kind === 'begin') {
    if (!backend.begin())
      sendNotice(context, 'there is already a transaction in progress', '25001');
    return 'BEGIN';
  }
  if (backend.status === 'I') {
    sendNotice(context, 'there is no transaction in progress', '25P01');
  }
  closePortals(context);
  const tag = await backend.end(kind === 'commit' ? 'COMMIT' : 'ROLLBACK', (frame) =>
    context.out.send(Buffer.from(frame.whole)),
  );
  if (tag === undefined) throw ALREADY_SENT;
  return tag;
}

/** SET: checked by PostgreSQL without changing anything there, unless the session holds it. */
export async function runSet(
  context: Context,
  statement: Extract<Statement, { kind: 'set' }>,
): Promise<string> {
  const { settings } = context;
  const { name, value, local } = statement;
  settings.check(name, value);
  if (!settings.owns(name)) {
    if (value !== null) await setInBackend(context, name, value, local);
    else if (context.backend.holds) await runQuietly(context, statement.sql);
  }
  settings.set(name, value, local);
  report(context, name);
  return 'SET';
}

export async function runReset(
  context: Context,
  statement: Extract<Statement, { kind: 'reset' }>,
): Promise<string> {
  const { settings } = context;
  const { name } = statement;
  const isOwn = name !== null && settings.owns(name);
  if (!isOwn && context.backend.holds) await runQuietly(context, statement.sql);
  if (name === null) settings.clear();
  else settings.set(name, null, false);
  if (name !== null) report(context, name);
  return 'RESET';
}

/**
 * Checks a setting of PostgreSQL's by setting it for one statement, or sets it in the transaction
 * that the session holds.
 */
export async function setInBackend(
  context: Context,
  name: string,
  value: string,
  local: boolean,
): Promise<void> {
  const scope = local || !context.backend.holds;
  await runQuietly(
    context,
    `SELECT pg_catalog.set_config(${quoteText(name)}, ${quoteText(value)}, ${scope})`,
  );
}

/** Accepts CREATE INDEX on a view, which needs none; tables are indexed by PostgreSQL. */
export async function runCreateIndex(
  context: Context,
  statement: Extract<Statement, { kind: 'create-index' }>,
): Promise<string> {
  const { backend, engine } = context;
  backend.requireFree('CREATE INDEX');
  const relations = await engine.catalog.relations();
  const relation = relations.find(({ name }) => name === statement.relation);
  if (relation?.kind === 'view' || relation?.kind === 'materialized-view') {
    sendNotice(
      context,
      `"${relation.name}" needs no index here: the embedded engine keeps what it needs by itself`,
    );
  } else await runQuietly(context, statement.statement.sql, true);
  return 'CREATE INDEX';
}

export async function runCreateView(
  context: Context,
  statement: Extract<Statement, { kind: 'create-view' }>,
): Promise<string> {
  const { request } = statement;
  const tag = request.materialized ? 'CREATE MATERIALIZED VIEW' : 'CREATE VIEW';
  prepareDefinition(context, tag);
  const notice = await context.engine.catalog.createView(request);
  if (notice !== null) sendNotice(context, notice, '01000');
  return tag;
}

/** Not before a registry has answered; other sessions go on meanwhile. */
export async function runCreateKafka(
  context: Context,
  { request }: Extract<Statement, { kind: 'create-kafka' }>,
): Promise<string> {
  const tag = `CREATE ${request.type.toUpperCase()}`;
  prepareDefinition(context, tag);
  const notice = await context.engine.catalog.createKafka(request);
  if (notice !== null) sendNotice(context, notice, '01000');
  return tag;
}

const DROP_TAG = {
  view: 'DROP VIEW',
  'materialized-view': 'DROP MATERIALIZED VIEW',
  table: 'DROP TABLE',
  source: 'DROP SOURCE',
  connection: 'DROP CONNECTION',
  secret: 'DROP SECRET',
  index: 'DROP INDEX',
} as const;

export async function runDrop(
  context: Context,
  statement: Extract<Statement, { kind: 'drop' }>,
): Promise<string> {
  const { what, names, ifExists, cascade } = statement;
  prepareDefinition(context, DROP_TAG[what]);
  await context.engine.catalog.drop({ kind: what, names, ifExists, cascade });
  return DROP_TAG[what];
}

/** DISCARD ALL and its kin. */
export function runDiscard(context: Context): string {
  closePortals(context);
  context.statements.clear();
  context.settings.clear();
  return 'DISCARD ALL';
}

function prepareDefinition(context: Context, what: string): void {
  context.backend.requireFree(what);
  if (context.backend.status !== 'T') return;
  sendNotice(context, `${what} takes effect at once: ROLLBACK does not undo it`);
}

/** Runs a statement whose answer the client does not see, but for errors and notices. */
async function runQuietly(context: Context, sql: string, writes = false): Promise<void> {
  const work = { frames: query(sql), sql, writes, outsideTransaction: false, continues: false };
  const failed = await context.backend.run(work, (frame) => {
    const letter = String.fromCharCode(frame.type);
    if (letter === 'E' || letter === 'N') context.out.send(Buffer.from(frame.whole));
  });
  if (failed) throw ALREADY_SENT;
}

function report(context: Context, name: string): void {
  const reported = context.settings.report(name);
  if (reported !== undefined) context.out.send(parameterStatus(...reported));
}
