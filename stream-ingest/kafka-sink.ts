import { AvroError } from '../avro/avro-error.ts';
import { codeOf, isFenced, isRefusedLogin } from '../kafka/errors.ts';
import type { Outgoing } from '../kafka/producer.ts';
import { RegistryError } from '../kafka/registry.ts';
import type { TopicEncoder } from '../kafka/topic-codec.ts';
import type { Clock, InputKind, InputState } from './arrival.ts';
import type { ItemBatch } from './batcher.ts';
import { type KafkaAccess, positionTopicOf, type Term } from './kafka-access.ts';
import { PositionLog, type PositionRecord, stateKey } from './position-log.ts';
import type { RecentChange } from './recent-change.ts';
import type { Sink, SinkNotice, Stored } from './sink.ts';
import { messageOf, StoreError } from './store-error.ts';

export interface KafkaSinkOptions {
  readonly access: KafkaAccess;
  readonly topic: string;
  readonly kind: InputKind;
  /** For people, such as a recording's day; may be empty. */
  readonly label: string;
  /** Names this process among those that write the topic one after another. */
  readonly instance: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly onNotice: (notice: SinkNotice) => void;
  /** A change that does not fit the schema, so that it never gets out. */
  readonly onDeadLetter: (reason: string, change: RecentChange) => void;
  /** How long `open` waits for Kafka and the registry. Default 30 s. */
  readonly openMs?: number;
}

/** What waiting does not cure. */
const hopeless = [
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'UNSUPPORTED_VERSION',
  'INVALID_TOPIC_EXCEPTION',
];

/** Somebody who has just taken over writes his name within this. */
const handOverMs = 1_000;

/**
 * Writes changes to a topic, each batch in a transaction with the position it reaches and its ids.
 *
 * When a transaction fails, at whatever moment, whether it stands is not known; so the producer is
 * given up, a new one takes office, which ends what was open, and the position topic says what
 * stands. Two processes on one topic: the newer one wins, the older one finds the newer one's name
 * there and ends.
 */
export class KafkaSink implements Sink {
  readonly #options: KafkaSinkOptions;
  #encoder: TopicEncoder | null = null;
  #term: Term | null = null;
  #log: PositionLog = PositionLog.read([]);
  /** The number of the transaction whose acknowledgement has not come. */
  #unconfirmed: number | null = null;
  /** Whether this process's name stands in the topic, at least once. */
  #claimed = false;
  #fenced = false;
  #turn: Promise<unknown> = Promise.resolve();
  #away = false;
  #state: InputState | null = null;

  constructor(options: KafkaSinkOptions) {
    this.#options = options;
  }

  async open(): Promise<Stored> {
    const { clock, openMs = 30_000 } = this.#options;
    const deadline = clock.now() + openMs;
    return await this.#inTurn(async () => {
      await this.#withRetry(async () => {
        this.#encoder ??= await this.#options.access.prepare();
        await this.#inOffice();
      }, deadline);
      return { position: this.#log.standing?.position ?? null, newestIds: this.#log.newestIds };
    });
  }

  async write(batch: ItemBatch): Promise<void> {
    await this.#inTurn(async () => {
      const { messages, ids } = this.#encode(batch);
      await this.#transact(messages, [], ids, batch.at(-1)?.position ?? null);
    });
  }

  async tell(state: InputState): Promise<void> {
    this.#state = state;
    await this.#inTurn(async () => {
      if (this.#state === null) return;
      const { kind, label, clock } = this.#options;
      const since = new Date(clock.now()).toISOString();
      const value = JSON.stringify({ kind, label, state: this.#state, since });
      this.#state = null;
      const position = this.#log.standing?.position ?? null;
      await this.#transact([], [{ key: stateKey, value }], [], position);
    });
  }

  async close(): Promise<void> {
    const term = this.#term;
    this.#term = null;
    await term?.close();
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => {});
    return await mine;
  }

  /** What does not fit is left out: one undecodable message would poison every view. */
  #encode(batch: ItemBatch): { messages: readonly Outgoing[]; ids: readonly string[] } {
    const { topic, onNotice, onDeadLetter } = this.#options;
    const encoder = this.#encoder;
    if (encoder === null) throw new Error('a sink must be opened before it is written to');
    const messages: Outgoing[] = [];
    const ids: string[] = [];
    for (const { change } of batch) {
      if (change === null) continue;
      try {
        const key = encoder.key({ wiki: change.wiki, title: change.title });
        messages.push({ topic, key, value: encoder.value(change) });
      } catch (error) {
        if (!(error instanceof AvroError)) throw error;
        onDeadLetter(error.message, change);
        onNotice({ kind: 'rejected', metaId: change.meta_id, reason: error.message });
      }
      ids.push(change.meta_id);
    }
    return { messages, ids };
  }

  /** Commits it all once, however often it has to be tried. */
  async #transact(
    messages: readonly Outgoing[],
    records: readonly PositionRecord[],
    ids: readonly string[],
    position: string | null,
  ): Promise<void> {
    let number: number | null = null;
    await this.#withRetry(async () => {
      const term = await this.#inOffice();
      const commit = this.#log.standing?.commit ?? 0;
      // It stood after all, only its acknowledgement was lost.
      if (number !== null && commit === number) return;
      number = commit + 1;
      await this.#write(term, messages, records, ids, position);
    });
  }

  async #write(
    term: Term,
    messages: readonly Outgoing[],
    records: readonly PositionRecord[],
    ids: readonly string[],
    position: string | null,
  ): Promise<void> {
    const { topic, kind, label, instance } = this.#options;
    const commit = (this.#log.standing?.commit ?? 0) + 1;
    const at = { owner: instance, commit, kind, label, position };
    const { log, records: own } = this.#log.after(at, ids);
    this.#unconfirmed = commit;
    const positionTopic = positionTopicOf(topic);
    await term.write([
      ...messages,
      ...[...records, ...own].map(({ key, value }) => ({
        topic: positionTopic,
        key: Buffer.from(key),
        value: Buffer.from(value),
      })),
    ]);
    this.#log = log;
    this.#unconfirmed = null;
  }

  /** The term under way, or a new one after reading what stands. */
  async #inOffice(): Promise<Term> {
    if (this.#term !== null) return this.#term;
    const { access } = this.#options;
    // Whoever was put out of office looks first, lest two put out each other for ever.
    if (this.#fenced) this.#recognise(this.#read(await access.readPosition()));
    const term = await access.takeOffice();
    try {
      const log = this.#read(await access.readPosition());
      this.#recognise(log);
      this.#log = log;
      this.#unconfirmed = null;
      if (!this.#claimed) await this.#write(term, [], [], [], log.standing?.position ?? null);
      this.#claimed = true;
      this.#fenced = false;
    } catch (error) {
      await term.close().catch(() => {});
      throw error;
    }
    this.#term = term;
    return term;
  }

  #read(records: readonly PositionRecord[]): PositionLog {
    try {
      return PositionLog.read(records);
    } catch (error) {
      const topic = positionTopicOf(this.#options.topic);
      throw new StoreError(`cannot use the topic ${topic}: ${messageOf(error)}`, { cause: error });
    }
  }

  #recognise({ standing }: PositionLog): void {
    const { topic, kind, label, instance } = this.#options;
    if (!this.#claimed) {
      if (standing === null || (standing.kind === kind && standing.label === label)) return;
      throw new StoreError(
        `the topic ${topic} holds ${standing.kind} changes ${standing.label}`.trimEnd() +
          `, and this input is ${kind} ${label}`.trimEnd() +
          ': give it a topic of its own (--topic)',
      );
    }
    if (standing !== null && standing.owner !== instance) {
      throw new StoreError(
        `another stream-ingest has taken over the topic ${topic} (${standing.owner}): this one ends`,
      );
    }
    const commit = standing?.commit ?? 0;
    const acknowledged = this.#log.standing?.commit ?? 0;
    if (commit === acknowledged || commit === this.#unconfirmed) return;
    throw new StoreError(
      `Kafka came back at transaction ${commit} of ${topic}, and had acknowledged ${acknowledged}: ` +
        'start the input anew',
    );
  }

  /** Repeats `work`, in a new term each time, until it succeeds or can never do so. */
  async #withRetry(work: () => Promise<void>, deadline = Number.POSITIVE_INFINITY): Promise<void> {
    const { clock, random, signal, onNotice } = this.#options;
    for (let failures = 0; ; failures += 1) {
      signal.throwIfAborted();
      try {
        await work();
        if (this.#away) onNotice({ kind: 'back' });
        this.#away = false;
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (isFenced(error)) this.#fenced = true;
        await this.close().catch(() => {});
        this.#giveUp(error, deadline);
        if (!this.#away) onNotice({ kind: 'away', reason: messageOf(error) });
        this.#away = true;
        const leastMs = this.#fenced ? handOverMs : 0;
        const jitterMs = random() * Math.min(2_000, 100 * 2 ** Math.min(failures, 10));
        await clock.sleep(leastMs + jitterMs, signal);
      }
    }
  }

  #giveUp(error: unknown, deadline: number): void {
    if (error instanceof StoreError) throw error;
    const expired = this.#options.clock.now() >= deadline;
    const refused = error instanceof RegistryError && error.kind !== 'away';
    const passing = !refused && !isRefusedLogin(error) && !hopeless.includes(codeOf(error));
    if (!expired && passing) return;
    const hint = expired ? '; do Kafka and the registry run?' : '';
    throw new StoreError(
      `cannot use the topic ${this.#options.topic}: ${messageOf(error)}${hint}`,
      {
        cause: error,
      },
    );
  }
}
