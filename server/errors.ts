/** What can go wrong with the upstream, by code. All but NOT_MATERIALIZE are worth another try. */
export type UpstreamErrorCode =
  /** The connection was refused, cut, or silent beyond its deadline. */
  | 'UPSTREAM_LOST'
  /** The database knows no such view (now). */
  | 'UNKNOWN_VIEW'
  /** The peer is a PostgreSQL without SUBSCRIBE or TAIL. */
  | 'NOT_MATERIALIZE'
  /** The stream contradicts the dialect: a row of the wrong shape, a time before the frontier. */
  | 'BAD_STREAM'
  /** The database refused or ended the stream, as with a division by zero inside the view. */
  | 'STREAM_FAILED';

/** A fault of the upstream: what was expected, what came, and what to do next. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly code: UpstreamErrorCode;

  constructor(code: UpstreamErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(messageOf).join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}
