/** What a client watches, and the oracle is asked: a view, or the rows of it that a filter keeps. */
export interface Question {
  readonly view: string;
  /** Columns and the values they must equal. */
  readonly where?: Readonly<Record<string, string | number | boolean | null>>;
}

/** Equal for equal questions. */
export function questionText({ view, where }: Question): string {
  return where === undefined ? view : `${view} ${JSON.stringify(where)}`;
}
