import type { Timestamp } from '../../protocol/update.ts';
import { UpstreamError } from '../errors.ts';

/**
 * The two lines of Materialize: `tail` up to 0.26, `subscribe` from 0.27 on (and the embedded
 * engine, which poses as the newer one).
 */
export type Dialect = 'tail' | 'subscribe';

/**
 * The dialect that a version speaks, as `SELECT mz_version()` gives it: `v0.26.1-dev (e1d2f3a4b)`.
 *
 * @throws {UpstreamError} NOT_MATERIALIZE when the text is no such version.
 */
export function dialectOf(version: string): Dialect {
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(version) ?? [];
  if (major === undefined || minor === undefined) throw notMaterialize(`mz_version() ${version}`);
  return Number(major) === 0 && Number(minor) < 27 ? 'tail' : 'subscribe';
}

/** What to say to somebody whose upstream is an ordinary PostgreSQL. */
export function notMaterialize(got: string, cause?: unknown): UpstreamError {
  return new UpstreamError(
    'NOT_MATERIALIZE',
    `the upstream must be Materialize or viewcast's own engine, but it has no SUBSCRIBE or TAIL (${got}): ` +
      'check VIEWCAST_UPSTREAM, or leave it out to use the engine',
    { cause },
  );
}

/** A view's name for SQL; a name with dots is qualified: `schema.view`. */
export function quoteName(name: string): string {
  return name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.');
}

/** A text literal for SQL. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** How to open a stream. */
export interface StreamRequest {
  /** Send the view as of the start first, and not only what changes after it. */
  readonly snapshot: boolean;
  /** Where to start: the view at this time, inclusive; null for the freshest. */
  readonly asOf: Timestamp | null;
  /** Without history back to `asOf`, start where it begins, and do not refuse. */
  readonly atLeast: boolean;
}

/** The statement that streams a view with progress. */
export function streamStatement(dialect: Dialect, view: string, request: StreamRequest): string {
  const keyword = dialect === 'tail' ? 'TAIL' : 'SUBSCRIBE';
  const options = request.snapshot ? 'PROGRESS' : 'PROGRESS, SNAPSHOT = false';
  const asOf = request.atLeast ? 'AS OF AT LEAST' : 'AS OF';
  const start = request.asOf === null ? '' : ` ${asOf} ${request.asOf}`;
  return `${keyword} ${quoteName(view)} WITH (${options})${start}`;
}

/** Gives the environment's identity, which a restart keeps and another database does not have. */
export function identityStatement(dialect: Dialect): string {
  return dialect === 'tail' ? 'SELECT mz_cluster_id() AS id' : 'SELECT mz_environment_id() AS id';
}

/** Settings of a session before its stream; one that the peer does not know may fail. */
export function sessionStatements(dialect: Dialect): readonly string[] {
  if (dialect === 'tail') return [];
  return [
    // The newer line ends a transaction that is idle for 120 s (25P03).
    'SET idle_in_transaction_session_timeout = 0',
    // The freshest complete time at once, where strict serializable waits for lagging sources.
    "SET transaction_isolation = 'serializable'",
    "SET timezone = 'UTC'",
  ];
}

/** How much history a starting server asks for, and less where there is none. */
const HISTORY_STEPS_MS = [300_000, 60_000, 10_000] as const;

/** A held frontier so far in the upstream's future was given by another time than its present one. */
const AHEAD_MS = 60_000;

/**
 * The ways to open a stream, best first; the next one is tried when the upstream has no history
 * that far back. With a held frontier F: from F on without a snapshot (AS OF F − 1, since progress
 * F promises only what is below it), else a new snapshot; a new one too where F lies in the future, as
 * an AS OF there is taken and waits for it without a word. Without: a snapshot of five minutes ago
 * and all since, for resume tokens that other servers gave, or of as long ago as there is. The
 * older line takes AS OF AT LEAST for the freshest time, so it is asked step by step.
 */
export function waysToStart(
  dialect: Dialect,
  held: Timestamp | null,
  now: Timestamp,
): readonly StreamRequest[] {
  const fresh = { snapshot: true, asOf: null, atLeast: false };
  if (held !== null && held > now + AHEAD_MS) return [fresh];
  if (held !== null) return [{ snapshot: false, asOf: held - 1, atLeast: false }, fresh];
  if (dialect === 'subscribe') {
    return [{ snapshot: true, asOf: now - HISTORY_STEPS_MS[0], atLeast: true }, fresh];
  }
  const steps = HISTORY_STEPS_MS.map((ms) => ({ snapshot: true, asOf: now - ms, atLeast: false }));
  return [...steps, fresh];
}

/** True for the error that says: no history back to this AS OF. */
export function isOutOfHistory(message: string): boolean {
  return /valid timestamp|is not valid for all inputs/i.test(message);
}
