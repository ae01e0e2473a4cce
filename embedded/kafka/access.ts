/**
 * What the engine asks of Kafka and of a schema registry. Connections are plain here: their secrets
 * are filled in.
 */

export interface Broker {
  /** host:port, each. */
  readonly brokers: readonly string[];
  readonly ssl: boolean;
  readonly sasl: {
    readonly mechanism: string;
    readonly username: string;
    readonly password: string;
  } | null;
}

export interface Registry {
  readonly url: string;
  readonly login: { readonly username: string; readonly password: string } | null;
}

export interface Message {
  readonly offset: bigint;
  /** As the topic keeps it, in ms since 1970. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** Messages of one partition in order; transactions that were aborted are left out. */
export interface MessageBatch {
  readonly partition: number;
  readonly messages: readonly Message[];
  /** The offset to read from after this batch. */
  readonly next: bigint;
}

export interface TopicRequest {
  readonly broker: Broker;
  readonly topic: string;
  /** Where to begin, by partition; the others from their first message. */
  readonly from: ReadonlyMap<number, bigint>;
  readonly signal: AbortSignal;
  /** The topic was found and is being read. */
  onReading(): void;
  /** The messages from `from` on were no longer kept; reading goes on at `to`. */
  onGap(partition: number, from: bigint, to: bigint): void;
  /** One batch at a time; nothing more is fetched while many wait. */
  onBatch(batch: MessageBatch): Promise<void>;
}

/** The offsets asked for are beyond the topic's end: it is not the topic it was. */
export class TopicReplaced extends Error {
  override readonly name = 'TopicReplaced';
}

export interface KafkaAccess {
  /**
   * Reads a topic until the signal aborts, and resolves then.
   *
   * @throws {TopicReplaced}, what `onBatch` throws, or a reason to try again later.
   */
  read(request: TopicRequest): Promise<void>;
  registry(registry: Registry): SchemaRegistry;
}

/** A schema registry. What it asks rejects while the registry is away. */
export interface SchemaRegistry {
  /** The newest schema of a subject, as JSON; null when there is none. */
  latest(subject: string): Promise<{ readonly schema: string } | null>;
  /** A schema, as JSON; rejects for an unknown id too. */
  byId(id: number): Promise<string>;
}
