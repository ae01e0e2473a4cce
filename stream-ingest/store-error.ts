/** A statement failed, and the connection is still good. `sqlState` is PostgreSQL's code. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
  readonly sqlState: string;

  constructor(sqlState: string, message: string) {
    super(message);
    this.sqlState = sqlState;
  }
}

/** The engine cannot be used with this input; trying again would not help. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** Bad values (22, 23): the row's fault, or that of a view that computes with it. */
export function isRowFault(error: unknown): boolean {
  return error instanceof QueryError && /^2[23]/.test(error.sqlState);
}

/** Lost sessions, and what a new attempt may cure: resources, shutdown, time-outs, conflicts. */
export function isPassing(error: unknown): boolean {
  if (error instanceof StoreError) return false;
  return !(error instanceof QueryError) || /^(08|40|53|57|25P03|XX)/.test(error.sqlState);
}

/** What an error says, for a sentence around it. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
