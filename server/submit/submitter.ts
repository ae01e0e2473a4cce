/**
 * Messages in. A message, named by topic and id, goes
 *
 *   submitted ──sink has it──▶ accepted ──its archive shows it──▶ archived
 *       └── refused: it does not fit, its id is another's, nobody can take it now
 *
 * Whoever submits the same once more joins, and is answered anew. The archive decides: what it
 * shows is archived, wherever it was submitted; of two values under one id it shows the first.
 */
import type { ErrorCode } from '../../protocol/message.ts';
import type { Frontier, Json } from '../../protocol/update.ts';
import { Archive, type ArchiveView } from './archive.ts';
import type { Sink } from './sink.ts';
import type { NoTopic, Topic } from './topic.ts';

/** Why a message is not taken. With `retryMs` it may be asked again, under the same id. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryMs?: number;
}

/** Told of one message: `accepted` at most once, then `archived`; or `refused`. May be at once. */
export interface SubmitListener {
  accepted(): void;
  /** The archive shows it at this frontier. */
  archived(timestamp: Frontier): void;
  refused(refusal: Refusal): void;
}

/** The views by name; the view stage provides them by shape. */
export interface ArchiveViews {
  get(name: string): ArchiveView | undefined;
  watch(listener: { added(view: { name: string }): void; removed(): void }): () => void;
}

/** Topics by name. */
export interface Topics {
  get(name: string): Topic | NoTopic | undefined;
  /** Those that take messages. */
  names(): readonly string[];
}

export interface SubmitterParts {
  readonly topics: Topics;
  readonly views: ArchiveViews;
  readonly sink: Sink;
  readonly nowMs: () => number;
  /** How many messages may be on their way; more are refused until some are archived. */
  readonly most?: number | undefined;
  /** Told of what became of a message. */
  readonly observer?: { submitted(topic: string, outcome: string): void } | undefined;
}

/** A message on its way. */
interface Pending {
  readonly topic: Topic;
  readonly id: string;
  readonly given: Json;
  readonly listeners: Set<SubmitListener>;
  accepted: boolean;
}

interface Opened {
  readonly view: ArchiveView;
  readonly archive: Archive;
}

const MOST = 10_000;
const RETRY_MS = 1_000;

export class Submitter {
  readonly #parts: SubmitterParts;
  /** By topic and id. */
  readonly #pending = new Map<string, Pending>();
  /** By topic; of topics that somebody submitted to. */
  readonly #archives = new Map<string, Opened>();

  readonly #unwatch: () => void;

  constructor(parts: SubmitterParts) {
    this.#parts = parts;
    this.#unwatch = parts.views.watch({
      added: ({ name }) => this.#added(name),
      removed: () => {},
    });
  }

  /** Topics that take messages. */
  get topics(): readonly string[] {
    return this.#parts.topics.names();
  }

  /** Messages that are not archived yet. */
  get size(): number {
    return this.#pending.size;
  }

  /** Takes a message in. The returned function ends the listening, not the message. */
  submit(name: string, id: string, given: Json, listener: SubmitListener): () => void {
    const found = this.#find(name);
    if ('code' in found) {
      this.#refuse(name, listener, found);
      return () => {};
    }
    const { topic, archive } = found;
    const value = topic.complete(given, { id, nowMs: this.#parts.nowMs() });
    if (typeof value === 'string') {
      this.#refuse(name, listener, { code: 'invalid_value', message: `${name}: ${value}` });
      return () => {};
    }
    const row = archive.find(id);
    if (row !== null) {
      this.#tellArchived(topic, given, row, archive.frontier, [listener], false);
      return () => {};
    }
    const pending = this.#pending.get(keyOf(name, id));
    if (pending !== undefined) return this.#join(pending, given, listener);
    if (this.#pending.size >= (this.#parts.most ?? MOST) && !this.#forgetOne()) {
      const told = 'as many messages are on their way as the server takes';
      this.#refuse(name, listener, { code: 'overloaded', message: told, retryMs: RETRY_MS });
      return () => {};
    }
    const entry: Pending = { topic, id, given, listeners: new Set([listener]), accepted: false };
    this.#pending.set(keyOf(name, id), entry);
    this.#parts.sink.write(topic, { id, value }).then(
      (written) => this.#written(entry, written === 'written'),
      (error: unknown) => this.#failed(entry, error),
    );
    return () => {
      entry.listeners.delete(listener);
    };
  }

  /** Listens to a message on its way, or archived; null when nothing is known of it here. */
  watch(name: string, id: string, listener: SubmitListener): (() => void) | null {
    const archive = this.#archiveOf(name);
    if (archive !== null && archive.problem === null && archive.find(id) !== null) {
      listener.accepted();
      listener.archived(archive.frontier);
      return () => {};
    }
    const pending = this.#pending.get(keyOf(name, id));
    return pending === undefined ? null : listen(pending, listener);
  }

  /** Ends all listening. */
  async close(): Promise<void> {
    this.#unwatch();
    for (const { archive } of this.#archives.values()) archive.stop();
    this.#archives.clear();
    this.#pending.clear();
    await this.#parts.sink.close();
  }

  #find(name: string): { topic: Topic; archive: Archive } | Refusal {
    const away = this.#away();
    if (away !== null) return away;
    const topic = this.#parts.topics.get(name);
    if (topic === undefined) {
      const there = `those that do: ${this.topics.join(', ') || 'none'}`;
      const message = `no topic ${JSON.stringify(name)} takes messages; ${there}`;
      return { code: 'unknown_topic', message };
    }
    if ('problem' in topic) return { code: 'unknown_topic', message: topic.problem };
    const archive = this.#archiveOf(name);
    if (archive === null) {
      const { view } = topic.archivedIn;
      return unavailable(
        `messages to ${name} are archived in the view ${view}, which is not served: add it to sql/ and VIEWCAST_VIEWS`,
      );
    }
    return archive.problem === null ? { topic, archive } : unavailable(archive.problem);
  }

  #away(): Refusal | null {
    const { state } = this.#parts.sink;
    if (state.kind === 'open') return null;
    const { kind, message } = state;
    return kind === 'away' ? unavailable(message) : { code: 'unknown_topic', message };
  }

  /** The archive of a topic as its view is now; null when there is none. */
  #archiveOf(name: string): Archive | null {
    const topic = this.#parts.topics.get(name);
    if (topic === undefined || 'problem' in topic) return null;
    const view = this.#parts.views.get(topic.archivedIn.view);
    const opened = this.#archives.get(name);
    if (opened !== undefined && opened.view === view) return opened.archive;
    if (view === undefined) return null;
    opened?.archive.stop();
    const archive = new Archive(view, topic.archivedIn, (id) => this.#shown(name, id));
    this.#archives.set(name, { view, archive });
    for (const pending of [...this.#pending.values()]) {
      if (pending.topic.name === name) this.#shown(name, pending.id);
    }
    return archive;
  }

  /** A view that was dropped is back: what waits for it may be there. */
  #added(view: string): void {
    for (const name of [...this.#archives.keys()]) {
      const topic = this.#parts.topics.get(name);
      if (topic !== undefined && 'archivedIn' in topic && topic.archivedIn.view === view) {
        this.#archiveOf(name);
      }
    }
  }

  #join(pending: Pending, given: Json, listener: SubmitListener): () => void {
    if (!isSame(pending.given, given)) {
      this.#refuse(pending.topic.name, listener, conflict(pending.id));
      return () => {};
    }
    return listen(pending, listener);
  }

  #written(pending: Pending, own: boolean): void {
    // One that existed may hold another value: the archive tells.
    if (own && this.#isPending(pending)) this.#accept(pending);
    this.#shown(pending.topic.name, pending.id);
  }

  #accept(pending: Pending): void {
    if (pending.accepted) return;
    pending.accepted = true;
    for (const listener of [...pending.listeners]) listener.accepted();
  }

  #failed(pending: Pending, error: unknown): void {
    if (!this.#isPending(pending)) return;
    this.#pending.delete(keyOf(pending.topic.name, pending.id));
    const message = error instanceof Error ? error.message : String(error);
    const refusal = this.#away() ?? unavailable(message);
    for (const listener of pending.listeners) this.#refuse(pending.topic.name, listener, refusal);
  }

  /** The archive may show the message. */
  #shown(name: string, id: string): void {
    const pending = this.#pending.get(keyOf(name, id));
    const archive = this.#archives.get(name)?.archive;
    const row = archive?.find(id);
    if (pending === undefined || archive === undefined || !row) return;
    this.#pending.delete(keyOf(name, id));
    const { topic, given, listeners, accepted } = pending;
    this.#tellArchived(topic, given, row, archive.frontier, [...listeners], accepted);
  }

  #tellArchived(
    topic: Topic,
    given: Json,
    row: ReadonlyMap<string, Json>,
    timestamp: Frontier,
    listeners: readonly SubmitListener[],
    accepted: boolean,
  ): void {
    const same = topic.couldBe(given, row);
    for (const listener of listeners) {
      if (!same) {
        this.#refuse(topic.name, listener, conflict(String(row.get(topic.archivedIn.column))));
        continue;
      }
      if (!accepted) listener.accepted();
      listener.archived(timestamp);
      this.#parts.observer?.submitted(topic.name, 'archived');
    }
  }

  #refuse(name: string, listener: SubmitListener, refusal: Refusal): void {
    // A made-up name must not become a label.
    const known = this.topics.includes(name) ? name : '';
    this.#parts.observer?.submitted(known, refusal.code);
    listener.refused(refusal);
  }

  /** An accepted message that nobody waits for need not be remembered. */
  #forgetOne(): boolean {
    for (const [key, { accepted, listeners }] of this.#pending) {
      if (!accepted || listeners.size > 0) continue;
      return this.#pending.delete(key);
    }
    return false;
  }

  #isPending(pending: Pending): boolean {
    return this.#pending.get(keyOf(pending.topic.name, pending.id)) === pending;
  }
}

function listen({ listeners, accepted }: Pending, listener: SubmitListener): () => void {
  listeners.add(listener);
  if (accepted) listener.accepted();
  return () => {
    listeners.delete(listener);
  };
}

const keyOf = (topic: string, id: string): string => JSON.stringify([topic, id]);

const unavailable = (message: string): Refusal => ({
  code: 'unavailable',
  message,
  retryMs: RETRY_MS,
});

const conflict = (id: string): Refusal => ({
  code: 'id_conflict',
  message: `the id ${id} was used for another value before`,
});

/** Equal as JSON, whatever the order of fields. */
function isSame(a: Json, b: Json): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
