import { EngineError } from '../engine.ts';
import { type Broker, type KafkaAccess, type MessageBatch, TopicReplaced } from './access.ts';
import { Committer, type RowsToCommit } from './committer.ts';
import { type Decoder, Undecodable } from './decoder.ts';

/** How the reading of a table goes. */
export type ReadingState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'reading' }
  /** It goes on by itself when what it waits for is back. */
  | { readonly kind: 'waiting'; readonly reason: string }
  /** It does not go on: going on would leave something out. */
  | { readonly kind: 'stopped'; readonly reason: string };

/** As SHOW tells it. */
export function describeReading(state: ReadingState): string {
  switch (state.kind) {
    case 'connecting':
    case 'reading':
      return state.kind;
    case 'waiting':
    case 'stopped':
      return `${state.kind}: ${state.reason}`;
  }
}

export interface IngestionOptions {
  readonly access: KafkaAccess;
  readonly broker: Broker;
  readonly topic: string;
  readonly decoder: Decoder;
  /** Where the table stands. */
  readonly offsets: () => Promise<ReadonlyMap<number, bigint>>;
  /** Commits rows and the offsets they reach together. */
  readonly commit: (parts: readonly RowsToCommit[]) => Promise<void>;
  readonly changed: (state: ReadingState) => void;
  readonly onGap: (partition: number, from: bigint, to: bigint) => void;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
}

/** What is decoded at once, and committed at once at least. */
const PART_ROWS = 500;
const PART_BYTES = 1024 * 1024;
const LONGEST_WAIT_MS = 5_000;

/**
 * Fills one table from one topic, from where the table stands. The offsets are the table's own and
 * commit with its rows, so whatever ends when, each message counts once. What cannot be reached is
 * tried again; a message that cannot be read stops this table, after the rows before it.
 */
export class Ingestion {
  readonly #options: IngestionOptions;
  readonly #ending = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #state: ReadingState = { kind: 'connecting' };
  #failures = 0;

  constructor(options: IngestionOptions) {
    this.#options = options;
  }

  get state(): ReadingState {
    return this.#state;
  }

  start(): void {
    this.#running = this.#run(this.#ending.signal);
  }

  /** Resolves when nothing more will be committed. Idempotent. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { sleep, random } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#read(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#enter(stateAfter(error));
        if (this.#state.kind === 'stopped') return;
        const longestMs = Math.min(LONGEST_WAIT_MS, 200 * 2 ** Math.min(this.#failures++, 10));
        await sleep((0.5 + random() / 2) * longestMs, signal);
      }
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { access, broker, topic, onGap, commit } = this.#options;
    const offsets = new Map(await this.#options.offsets());
    const failing = new AbortController();
    const committer = new Committer(
      async (parts) => {
        if (signal.aborted) return;
        await commit(parts);
        this.#failures = 0;
        this.#enter({ kind: 'reading' });
      },
      (error) => failing.abort(error),
    );
    await access.read({
      broker,
      topic,
      from: new Map(offsets),
      signal: AbortSignal.any([signal, failing.signal]),
      onGap,
      onReading: () => this.#enter({ kind: 'reading' }),
      onBatch: (batch) => this.#take(fresh(batch, offsets), offsets, committer),
    });
    await committer.settled();
    if (!signal.aborted) failing.signal.throwIfAborted();
  }

  /** `offsets` are those up to which rows were handed to the committer. */
  async #take(
    batch: MessageBatch,
    offsets: Map<number, bigint>,
    committer: Committer,
  ): Promise<void> {
    const { partition } = batch;
    for (const part of splitBatch(batch)) {
      const { rows, next, failure } = await this.#options.decoder.decode(part);
      if (next > (offsets.get(partition) ?? -1n)) {
        offsets.set(partition, next);
        await committer.add({ partition, rows, next });
      }
      if (failure === null) continue;
      await committer.settled();
      throw failure;
    }
  }

  #enter(state: ReadingState): void {
    if (describeReading(state) === describeReading(this.#state)) return;
    this.#state = state;
    this.#options.changed(state);
  }
}

/** Without what is committed already, as a reader that lost its place may bring it again. */
function fresh(batch: MessageBatch, offsets: ReadonlyMap<number, bigint>): MessageBatch {
  const from = offsets.get(batch.partition) ?? 0n;
  return { ...batch, messages: batch.messages.filter(({ offset }) => offset >= from) };
}

/** Parts that are each small enough for one commit, in order. */
export function* splitBatch({ partition, messages, next }: MessageBatch): Generator<MessageBatch> {
  let start = 0;
  let bytes = 0;
  for (const [index, message] of messages.entries()) {
    bytes += (message.key?.length ?? 0) + (message.value?.length ?? 0);
    const following = messages[index + 1];
    if (following === undefined) break;
    if (index + 1 - start < PART_ROWS && bytes < PART_BYTES) continue;
    yield { partition, messages: messages.slice(start, index + 1), next: following.offset };
    start = index + 1;
    bytes = 0;
  }
  yield { partition, messages: messages.slice(start), next };
}

/** Waiting for what comes back by itself, stopped at what does not. */
function stateAfter(error: unknown): ReadingState {
  const reason = error instanceof Error ? error.message : String(error);
  const ends = error instanceof Undecodable || error instanceof TopicReplaced;
  if (ends) return { kind: 'stopped', reason };
  // A view over the table can refuse a row, until it is dropped.
  const refused = error instanceof EngineError ? 'the rows cannot be stored: ' : '';
  return { kind: 'waiting', reason: `${refused}${reason}` };
}
