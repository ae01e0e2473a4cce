import type { Statement } from '../dialect/statement.ts';
import { EngineError } from '../engine.ts';
import { commandComplete } from '../wire/backend.ts';
import { type Context, closePortal, closePortals, findPortal, type Portal } from './context.ts';

/** DECLARE: the cursor is named, nothing runs before it is fetched from. */
export function declareCursor(context: Context, name: string, cursor: Portal): string {
  if (context.backend.status !== 'T' && !context.severalStatements) {
    throw new EngineError('25P01', 'DECLARE CURSOR can only be used in transaction blocks', {
      hint: 'BEGIN first.',
    });
  }
  if (context.portals.has(name)) {
    throw new EngineError('42P03', `cursor "${name}" already exists`);
  }
  context.portals.set(name, cursor);
  return 'DECLARE CURSOR';
}

/** CLOSE name | ALL */
export function closeCursor(context: Context, name: string | null): string {
  if (name === null) closePortals(context);
  else if (!closePortal(context, name)) {
    throw new EngineError('34000', `cursor "${name}" does not exist`);
  }
  return 'CLOSE CURSOR';
}

/** FETCH: a page of a cursor's rows, waiting as its TIMEOUT says. */
export class FetchPortal implements Portal {
  readonly #context: Context;
  readonly #statement: Extract<Statement, { kind: 'fetch' }>;
  readonly #formats: readonly number[];
  #tag: string | undefined;

  constructor(
    context: Context,
    statement: Extract<Statement, { kind: 'fetch' }>,
    formats: readonly number[],
  ) {
    this.#context = context;
    this.#statement = statement;
    this.#formats = formats;
  }

  async describe(): Promise<Uint8Array> {
    return this.#cursor().describe(this.#formats);
  }

  async execute(maxRows: number): Promise<void> {
    const { count, timeoutMs } = this.#statement;
    if (maxRows > 0 && maxRows < count) {
      throw new EngineError(
        '0A000',
        "Execute with max_rows < a FETCH's count is not supported: fetch that many instead",
      );
    }
    if (this.#tag === undefined) {
      const fetch = this.#cursor().fetch;
      if (fetch === undefined) {
        throw new EngineError('55000', `portal "${this.#statement.name}" has no rows to fetch`);
      }
      const sent = await fetch({ count, timeoutMs, formats: this.#formats });
      this.#tag = `FETCH ${sent}`;
    }
    this.#context.out.send(commandComplete(this.#tag));
  }

  close(): void {}

  #cursor(): Portal {
    return findPortal(this.#context, this.#statement.name, 'cursor');
  }
}
