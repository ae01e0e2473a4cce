import { replaceFunctions } from '../dialect/functions.ts';
import type { BackendStatement } from '../dialect/statement.ts';
import { type StatementText, splitStatements } from '../lexer.ts';
import { EMPTY_QUERY, NO_DATA } from '../wire/backend.ts';
import { query } from '../wire/request.ts';
import { ALREADY_SENT } from './backend-portal.ts';
import { type Context, closePortals } from './context.ts';
import { throwIfCancelled } from './gone.ts';
import { makePortal, readStatement, unbound } from './portal.ts';

/**
 * Runs a simple query: its statements one after the other, each committed by itself unless a BEGIN
 * stands before. The first error ends it.
 */
export async function runSimpleQuery(context: Context, sql: string): Promise<void> {
  const statements = splitStatements(sql);
  if (statements.length === 0) context.out.send(EMPTY_QUERY);
  context.severalStatements = statements.length > 1;
  try {
    for (const statement of statements) {
      throwIfCancelled(context.signal);
      await runStatement(context, statement);
    }
  } finally {
    context.severalStatements = false;
    if (context.backend.status === 'I') closePortals(context);
  }
}

async function runStatement(context: Context, text: StatementText): Promise<void> {
  const statement = readStatement(context, text);
  if (statement.kind === 'backend') return runInBackend(context, statement);
  if (statement.kind !== 'commit' && statement.kind !== 'rollback')
    context.backend.requireHealthy();
  const portal = makePortal(context, unbound(text, statement));
  try {
    const description = await portal.describe();
    if (description !== NO_DATA) context.out.send(description);
    await portal.execute(0);
  } finally {
    portal.close();
  }
}

async function runInBackend(context: Context, statement: BackendStatement): Promise<void> {
  const sql = await replaceFunctions(statement.sql, context.functions);
  const work = {
    frames: query(sql),
    sql,
    writes: statement.access === 'write',
    outsideTransaction: statement.outsideTransaction,
    continues: false,
  };
  const failed = await context.backend.run(work, (frame) =>
    context.out.send(Buffer.from(frame.whole)),
  );
  if (failed) throw ALREADY_SENT;
}
