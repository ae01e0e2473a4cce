import { z } from 'zod';

/** A record of the position topic, newest last as Kafka has them; a later one of a key counts. */
export interface PositionRecord {
  readonly key: string;
  readonly value: string;
}

/** Where an input stands, and who wrote that. */
export interface Standing {
  /** The instance of stream-ingest that wrote it. */
  readonly owner: string;
  /** Counts the transactions of the topic. */
  readonly commit: number;
  readonly kind: string;
  readonly label: string;
  readonly position: string | null;
}

const standing = z.object({
  owner: z.string(),
  commit: z.int().nonnegative(),
  kind: z.string(),
  label: z.string(),
  position: z.string().nullable(),
});
const chunk = z.object({ from: z.int().nonnegative(), ids: z.array(z.string()) });

/** How many of the newest ids are kept. */
export const keptIds = 10_000;
const idsPerChunk = 100;
/** One more than is needed, as the newest chunk is seldom full. */
const slots = keptIds / idsPerChunk + 1;
const standingKey = 'position';

/** The key under which the input's state stands, for the page's badge. */
export const stateKey = 'state';

function parse<T>(schema: z.ZodType<T>, { key, value }: PositionRecord): T {
  try {
    return schema.parse(JSON.parse(value));
  } catch (error) {
    throw new TypeError(`expected a record of stream-ingest under "${key}", got ${value}`, {
      cause: error,
    });
  }
}

/**
 * What the compacted position topic holds: one record says where the input stands, and the newest
 * ids stand in a ring of chunks, so that a transaction rewrites a hundred ids and not ten thousand.
 * Pure: records in, records out.
 */
export class PositionLog {
  /** Null for a topic without records. */
  readonly standing: Standing | null;
  /** Newest last, at most 10,000. */
  readonly newestIds: readonly string[];
  /** Ids ever written. */
  readonly #count: number;
  /** The ids of the chunk that is not full yet. */
  readonly #open: readonly string[];

  private constructor(
    at: Standing | null,
    newestIds: readonly string[],
    count: number,
    open: readonly string[],
  ) {
    this.standing = at;
    this.newestIds = newestIds;
    this.#count = count;
    this.#open = open;
  }

  /** @throws {TypeError} for records that are not ours. */
  static read(records: Iterable<PositionRecord>): PositionLog {
    const newest = new Map<string, PositionRecord>();
    for (const record of records) newest.set(record.key, record);
    const at = newest.get(standingKey);
    const chunks = [...newest.values()]
      .filter(({ key }) => key.startsWith('ids-'))
      .map((record) => parse(chunk, record))
      .sort((a, b) => a.from - b.from);
    const last = chunks.at(-1);
    const count = last === undefined ? 0 : last.from + last.ids.length;
    return new PositionLog(
      at === undefined ? null : parse(standing, at),
      chunks.flatMap(({ ids }) => ids).slice(-keptIds),
      count,
      count % idsPerChunk === 0 ? [] : (last?.ids ?? []),
    );
  }

  /** The log after a transaction, and the records that this transaction has to write. */
  after(
    at: Standing,
    ids: readonly string[],
  ): { readonly log: PositionLog; readonly records: readonly PositionRecord[] } {
    const first = this.#count - this.#open.length;
    const unsaved = [...this.#open, ...ids];
    const records: PositionRecord[] = [];
    let open: readonly string[] = this.#open;
    for (let i = 0; i < unsaved.length && ids.length > 0; i += idsPerChunk) {
      const part = unsaved.slice(i, i + idsPerChunk);
      const from = first + i;
      const slot = (from / idsPerChunk) % slots;
      records.push({ key: `ids-${slot}`, value: JSON.stringify({ from, ids: part }) });
      open = part.length === idsPerChunk ? [] : part;
    }
    records.push({ key: standingKey, value: JSON.stringify(at) });
    const newestIds =
      ids.length === 0 ? this.newestIds : [...this.newestIds, ...ids].slice(-keptIds);
    return { log: new PositionLog(at, newestIds, this.#count + ids.length, open), records };
  }
}
