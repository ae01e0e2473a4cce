import type { FunctionValues } from '../dialect/functions.ts';
import type { BackendStatement, Statement } from '../dialect/statement.ts';
import { type Engine, EngineError } from '../engine.ts';
import type { StatementText } from '../lexer.ts';
import { noticeResponse } from '../wire/backend.ts';
import type { Backend } from './backend.ts';
import type { Inbox } from './inbox.ts';
import type { Line } from './line.ts';
import type { Outbound } from './outbound.ts';
import type { SessionSettings } from './settings.ts';

/** A statement for PostgreSQL as it was prepared. */
export interface Source {
  readonly statement: BackendStatement;
  readonly parameterTypes: readonly number[];
}

/** A statement that the client prepared. */
export interface Prepared {
  readonly text: StatementText;
  /** Null for a statement of nothing. */
  readonly statement: Statement | null;
  /** What the pipeline sends for it; null when the session runs it itself. */
  readonly source: Source | null;
  readonly parameterTypes: readonly number[];
}

/** What FETCH asks of a cursor. */
export interface FetchRequest {
  readonly count: number;
  readonly timeoutMs: number | null;
  /** Result formats of the FETCH's own portal. */
  readonly formats: readonly number[];
}

/** A statement with its parameters, ready to run: the wire's portal and SQL's cursor alike. */
export interface Portal {
  /** RowDescription or NoData; `formats` are those of the FETCH that asks, when one does. */
  describe(formats?: readonly number[]): Promise<Uint8Array>;
  /** Sends rows and CommandComplete, or PortalSuspended after `maxRows` (0: all). */
  execute(maxRows: number): Promise<void>;
  /** Sends rows for a FETCH and returns how many. Absent where there is nothing to fetch. */
  readonly fetch?: ((request: FetchRequest) => Promise<number>) | undefined;
  close(): void;
}

/** Everything that the statements of one session share. */
export interface Context {
  readonly engine: Engine;
  /** The line of Materialize whose statements are taken. */
  readonly line: Line;
  readonly settings: SessionSettings;
  readonly backend: Backend;
  readonly inbox: Inbox;
  readonly out: Outbound;
  readonly portals: Map<string, Portal>;
  readonly statements: Map<string, Prepared>;
  readonly functions: FunctionValues;
  /** A simple query of several statements counts as a transaction block for cursors. */
  severalStatements: boolean;
  /** Aborts when the running statement is cancelled, interrupted, or the client is gone. */
  signal: AbortSignal;
  /** The next message, while the idle limit of a transaction that holds the engine runs. */
  receive(): ReturnType<Inbox['next']>;
}

export function sendNotice(context: Context, message: string, code = '00000'): void {
  context.out.send(noticeResponse({ code, message, detail: undefined, hint: undefined }));
}

/** The portal or cursor of a name. */
export function findPortal(context: Context, name: string, what: 'portal' | 'cursor'): Portal {
  const portal = context.portals.get(name);
  if (portal === undefined) throw new EngineError('34000', `${what} "${name}" does not exist`);
  return portal;
}

export function closePortal(context: Context, name: string): boolean {
  const portal = context.portals.get(name);
  context.portals.delete(name);
  portal?.close();
  return portal !== undefined;
}

export function closePortals(context: Context): void {
  for (const name of [...context.portals.keys()]) closePortal(context, name);
}
