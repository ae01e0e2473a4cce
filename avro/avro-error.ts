/** One place where a value does not fit its schema, in words. */
export interface Misfit {
  /** Field names and array positions with dots between; empty for the value as a whole. */
  readonly path: string;
  readonly expected: string;
  readonly came: string;
}

/** "expected …" as a sentence about one misfit. */
export function sentenceOf({ path, expected, came }: Misfit): string {
  return `${path === '' ? 'the value' : `"${path}"`}: expected ${expected}, got ${came}`;
}

/** A schema, a value or a message that cannot be used; the message says why. */
export class AvroError extends Error {
  override readonly name = 'AvroError';
  /** Where a value does not fit; empty for other faults. */
  readonly misfits: readonly Misfit[];

  constructor(message: string, options: ErrorOptions & { misfits?: readonly Misfit[] } = {}) {
    super(message, options);
    this.misfits = options.misfits ?? [];
  }
}
