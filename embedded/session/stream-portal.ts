import type { SubscribeStatement } from '../dialect/statement.ts';
import { EngineError } from '../engine.ts';
import {
  COPY_DONE,
  commandComplete,
  copyResponse,
  NO_DATA,
  PORTAL_SUSPENDED,
  rowDescription,
} from '../wire/backend.ts';
import { copyRows } from '../wire/rows.ts';
import { rowEncoder } from './binary.ts';
import { type Context, type FetchRequest, type Portal, sendNotice } from './context.ts';
import { RowStream, sendRows } from './row-stream.ts';
import { diffShape, upsertShape } from './shape.ts';

/**
 * Starts a subscription.
 *
 * @throws {EngineError} what the engine says, 22000 when its bounds contradict each other.
 */
export async function openStream(
  context: Context,
  statement: SubscribeStatement,
): Promise<RowStream> {
  const { keyword, request, progress, upsertKey } = statement;
  context.backend.requireFree(keyword);
  const { asOf, upTo } = request;
  if (asOf !== undefined && !asOf.atLeast && upTo !== undefined) {
    if (asOf.time > upTo) {
      throw new EngineError(
        '22000',
        `subscription lower bound (\`AS OF\`) is greater than its upper bound (\`UP TO\`): ${asOf.time} > ${upTo}`,
      );
    }
    if (asOf.time === upTo) {
      sendNotice(
        context,
        `subscribe as of ${asOf.time} (inclusive) up to the same bound ${upTo} (exclusive) is guaranteed to be empty`,
      );
    }
  }
  const subscription = await context.engine.subscribe(request, context.settings.forEngine());
  try {
    const shape =
      upsertKey === null
        ? diffShape(subscription.fields, progress)
        : upsertShape(subscription.fields, upsertKey, progress);
    return new RowStream(subscription, shape);
  } catch (error) {
    subscription.close();
    throw error;
  }
}

/**
 * SUBSCRIBE or TAIL, run directly or by a cursor. Nothing starts before it is described, executed or
 * fetched from.
 */
export class StreamPortal implements Portal {
  readonly #context: Context;
  readonly #statement: SubscribeStatement;
  readonly #formats: readonly number[];
  #stream: RowStream | undefined;
  #noticed = false;

  constructor(context: Context, statement: SubscribeStatement, formats: readonly number[]) {
    this.#context = context;
    this.#statement = statement;
    this.#formats = formats;
  }

  async describe(formats = this.#formats): Promise<Uint8Array> {
    return rowDescription((await this.#open()).fields, formats);
  }

  async execute(maxRows: number): Promise<void> {
    const { out, signal } = this.#context;
    const stream = await this.#open();
    if (!this.#noticed) sendNotice(this.#context, direct(this.#statement), '01000');
    this.#noticed = true;
    const limit = maxRows > 0 ? maxRows : Infinity;
    const encode = rowEncoder(stream.fields, this.#formats);
    const sent = await sendRows(stream, { limit, patience: 'all', encode }, out, signal);
    const over = stream.ended && sent < limit;
    out.send(over ? commandComplete(`SELECT ${sent}`) : PORTAL_SUSPENDED);
  }

  readonly fetch = async (request: FetchRequest): Promise<number> => {
    const { out, signal } = this.#context;
    const stream = await this.#open();
    const { count, timeoutMs, formats } = request;
    const patience = timeoutMs === null ? 'once' : { timeoutMs };
    const encode = rowEncoder(stream.fields, formats);
    return sendRows(stream, { limit: count, patience, encode }, out, signal);
  };

  close(): void {
    this.#stream?.close();
  }

  async #open(): Promise<RowStream> {
    this.#stream ??= await openStream(this.#context, this.#statement);
    return this.#stream;
  }
}

/** COPY (SUBSCRIBE …) TO STDOUT. */
export class CopyStreamPortal implements Portal {
  readonly #context: Context;
  readonly #statement: SubscribeStatement;
  #stream: RowStream | undefined;

  constructor(context: Context, statement: SubscribeStatement) {
    this.#context = context;
    this.#statement = statement;
  }

  async describe(): Promise<Uint8Array> {
    return NO_DATA;
  }

  async execute(): Promise<void> {
    const { out, signal } = this.#context;
    const stream = await openStream(this.#context, this.#statement);
    this.#stream = stream;
    out.send(copyResponse('H', 0, stream.fields.length));
    const request = { limit: Infinity, patience: 'all' as const, encode: copyRows };
    const sent = await sendRows(stream, request, out, signal);
    out.send(COPY_DONE, commandComplete(`COPY ${sent}`));
  }

  close(): void {
    this.#stream?.close();
  }
}

function direct(statement: SubscribeStatement): string {
  return `streaming ${statement.keyword} rows directly requires a client that does not buffer output`;
}
