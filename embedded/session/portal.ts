import { bindParameters } from '../dialect/parameters.ts';
import { parseStatement } from '../dialect/parse.ts';
import type { BackendStatement, Statement } from '../dialect/statement.ts';
import { EngineError } from '../engine.ts';
import type { StatementText } from '../lexer.ts';
import { formatOf } from '../wire/backend.ts';
import type { Parameters } from '../wire/frontend.ts';
import { NO_PARAMETERS } from '../wire/request.ts';
import { BackendPortal } from './backend-portal.ts';
import { parameterText } from './binary.ts';
import {
  CommandPortal,
  runCreateIndex,
  runCreateKafka,
  runCreateView,
  runDiscard,
  runDrop,
  runReset,
  runSet,
  runTransactionCommand,
} from './commands.ts';
import { type Context, type Portal, sendNotice } from './context.ts';
import { CopyInPortal } from './copy-in.ts';
import { closeCursor, declareCursor, FetchPortal } from './cursor-commands.ts';
import { requireOlderForm } from './older-line.ts';
import {
  indexesQuery,
  showColumns,
  showCreate,
  showNames,
  showObjects,
  showVariable,
} from './show.ts';
import { CopyStreamPortal, StreamPortal } from './stream-portal.ts';

/** A statement with what Bind gave it. */
export interface Bound {
  readonly text: StatementText;
  readonly statement: Statement;
  readonly parameterTypes: readonly number[];
  readonly parameters: Parameters;
  readonly resultFormats: readonly number[];
}

/** A statement of the simple protocol: nothing bound. */
export function unbound(text: StatementText, statement: Statement): Bound {
  return { text, statement, parameterTypes: [], parameters: NO_PARAMETERS, resultFormats: [] };
}

/**
 * What a statement is to this session: a SHOW of a variable that only PostgreSQL has is its to run.
 *
 * @throws {EngineError} as `parseStatement` does.
 */
export function readStatement(context: Context, text: StatementText): Statement {
  const statement = parseStatement(text);
  if (context.line === 'tail') requireOlderForm(statement);
  if (statement.kind === 'show' && !context.settings.owns(statement.name)) {
    return backendRead(statement.sql);
  }
  return statement.kind === 'show-indexes'
    ? backendRead(indexesQuery(statement.relation))
    : statement;
}

/** Makes the portal that runs a statement. Nothing runs yet. */
export function makePortal(context: Context, given: Bound): Portal {
  const bound = withLiterals(given);
  const { statement, resultFormats } = bound;
  switch (statement.kind) {
    case 'backend':
      return new BackendPortal(context, { ...bound, statement });
    case 'subscribe':
      return new StreamPortal(context, statement, resultFormats);
    case 'copy-subscribe':
      return new CopyStreamPortal(context, statement.subscribe);
    case 'copy-in':
      return new CopyInPortal(context, statement);
    case 'fetch':
      return new FetchPortal(context, statement, resultFormats);
    case 'show':
      return showVariable(context, statement.name);
    case 'show-objects':
      return showObjects(context, statement.what, statement.like);
    case 'show-columns':
      return showColumns(context, statement.relation, statement.like);
    case 'show-create':
      return showCreate(context, statement);
    case 'show-names':
      return showNames(context, statement.names);
    case 'show-indexes':
      return new BackendPortal(context, {
        ...bound,
        statement: backendRead(indexesQuery(statement.relation)),
      });
    default:
      return new CommandPortal(context, () => runCommand(context, bound, statement));
  }
}

type Command = Extract<
  Statement,
  {
    kind:
      | 'begin'
      | 'commit'
      | 'rollback'
      | 'set'
      | 'reset'
      | 'declare'
      | 'close'
      | 'create-view'
      | 'create-kafka'
      | 'create-index'
      | 'drop'
      | 'deallocate'
      | 'discard'
      | 'accepted';
  }
>;

async function runCommand(context: Context, bound: Bound, statement: Command): Promise<string> {
  switch (statement.kind) {
    case 'begin':
    case 'commit':
    case 'rollback':
      return runTransactionCommand(context, statement.kind);
    case 'set':
      return runSet(context, statement);
    case 'reset':
      return runReset(context, statement);
    case 'declare': {
      const cursor = makePortal(context, { ...bound, statement: statement.statement });
      return declareCursor(context, statement.name, cursor);
    }
    case 'close':
      return closeCursor(context, statement.name);
    case 'create-view':
      return runCreateView(context, statement);
    case 'create-kafka':
      return runCreateKafka(context, statement);
    case 'create-index':
      return runCreateIndex(context, statement);
    case 'drop':
      return runDrop(context, statement);
    case 'deallocate':
      return deallocate(context, statement.name);
    case 'discard':
      return runDiscard(context);
    case 'accepted':
      if (statement.notice !== null) sendNotice(context, statement.notice);
      return statement.tag;
  }
}

function deallocate(context: Context, name: string | null): string {
  if (name === null) context.statements.clear();
  else if (!context.statements.delete(name)) {
    throw new EngineError('26000', `prepared statement "${name}" does not exist`);
  }
  return name === null ? 'DEALLOCATE ALL' : 'DEALLOCATE';
}

/** The engine takes subscriptions without parameters: their values are written into the text. */
function withLiterals(bound: Bound): Bound {
  const { statement, parameters } = bound;
  const subscribes =
    statement.kind === 'subscribe' ||
    statement.kind === 'copy-subscribe' ||
    (statement.kind === 'declare' && statement.statement.kind === 'subscribe');
  if (!subscribes || parameters.values.length === 0) return bound;
  const values = parameters.values.map((value, index) => {
    const format = formatOf(parameters.formats, index);
    return parameterText(value, format, bound.parameterTypes[index] ?? 0, index + 1);
  });
  const text = bindParameters(bound.text, values);
  return { ...bound, text, statement: parseStatement(text), parameters: NO_PARAMETERS };
}

function backendRead(sql: string): BackendStatement {
  return { kind: 'backend', sql, access: 'read', outsideTransaction: false, copiesOut: false };
}
