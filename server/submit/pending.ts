import type { Frontier, Json } from '../../protocol/update.ts';
import type { Refusal } from './refusal.ts';
import { isSameJson } from './same-json.ts';
import type { Topic } from './topic.ts';

/** Told of one message: `accepted` at most once, then `archived`; or `refused`. May be at once. */
export interface SubmitListener {
  accepted(): void;
  /** The archive shows it at this frontier. */
  archived(timestamp: Frontier): void;
  refused(refusal: Refusal): void;
}

/** A message on its way, and who waits for it. */
export class PendingMessage {
  readonly topic: Topic;
  readonly id: string;
  /** The value as it was submitted first. */
  readonly given: Json;
  readonly #listeners = new Set<SubmitListener>();
  #accepted = false;

  constructor(topic: Topic, id: string, given: Json) {
    this.topic = topic;
    this.id = id;
    this.given = given;
  }

  /** Whether the sink has it. */
  get accepted(): boolean {
    return this.#accepted;
  }

  get listeners(): ReadonlySet<SubmitListener> {
    return this.#listeners;
  }

  /** Whether that value is this message once more. */
  isSame(given: Json): boolean {
    return isSameJson(this.given, given);
  }

  /** Tells the listener from now on. The returned function ends that, not the message. */
  listen(listener: SubmitListener): () => void {
    this.#listeners.add(listener);
    if (this.#accepted) listener.accepted();
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** The sink has it. */
  accept(): void {
    if (this.#accepted) return;
    this.#accepted = true;
    for (const listener of [...this.#listeners]) listener.accepted();
  }
}

/** The messages on their way, by topic and id, in order; at most so many. */
export class PendingMessages {
  readonly #most: number;
  readonly #messages = new Map<string, PendingMessage>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#messages.size;
  }

  get(topic: string, id: string): PendingMessage | undefined {
    return this.#messages.get(keyOf(topic, id));
  }

  /** Those of a topic. */
  of(topic: string): readonly PendingMessage[] {
    return [...this.#messages.values()].filter((message) => message.topic.name === topic);
  }

  has(message: PendingMessage): boolean {
    return this.get(message.topic.name, message.id) === message;
  }

  /** Makes room for one more, by forgetting one if it must; false when there is none. */
  makeRoom(): boolean {
    return this.#messages.size < this.#most || this.#forgetOne();
  }

  /** Adds a message of an id that is not there. */
  add(message: PendingMessage): void {
    this.#messages.set(keyOf(message.topic.name, message.id), message);
  }

  delete({ topic, id }: PendingMessage): void {
    this.#messages.delete(keyOf(topic.name, id));
  }

  clear(): void {
    this.#messages.clear();
  }

  /** An accepted message that nobody waits for need not be remembered. */
  #forgetOne(): boolean {
    for (const message of this.#messages.values()) {
      if (!message.accepted || message.listeners.size > 0) continue;
      this.delete(message);
      return true;
    }
    return false;
  }
}

const keyOf = (topic: string, id: string): string => JSON.stringify([topic, id]);
