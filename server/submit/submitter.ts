/**
 * Messages in. A message, named by topic and id, goes
 *
 *   submitted ──sink has it──▶ accepted ──its archive shows it──▶ archived
 *       └── refused: it does not fit, its id is another's, nobody can take it now
 *
 * Whoever submits the same once more joins, and is answered anew. The archive decides: what it
 * shows is archived, wherever it was submitted; of two values under one id it shows the first.
 * Ids are the same in any case of their letters; each sender knows its own spelling.
 */
import type { Frontier, Json } from '../../protocol/update.ts';
import { type Archive, canonicalId } from './archive.ts';
import { Archives, type ArchiveViews } from './archives.ts';
import { PendingMessage, PendingMessages, type SubmitListener } from './pending.ts';
import {
  idConflict,
  invalidValue,
  overloaded,
  type Refusal,
  unavailable,
  unknownTopic,
} from './refusal.ts';
import type { Sink } from './sink.ts';
import type { Topic, Topics } from './topic.ts';

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

const MOST = 10_000;

export class Submitter {
  readonly #parts: SubmitterParts;
  readonly #pending: PendingMessages;
  readonly #archives: Archives;

  constructor(parts: SubmitterParts) {
    this.#parts = parts;
    this.#pending = new PendingMessages(parts.most ?? MOST);
    this.#archives = new Archives(parts.topics, parts.views, {
      opened: (name) => {
        for (const { id } of this.#pending.of(name)) this.#shown(name, id);
      },
      shown: (name, id) => this.#shown(name, id),
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
  submit(name: string, spelled: string, given: Json, listener: SubmitListener): () => void {
    const id = canonicalId(spelled);
    const found = this.#find(name);
    if ('code' in found) return this.#refuse(name, listener, found);
    const { topic, archive } = found;
    const value = topic.complete(given, { id, nowMs: this.#parts.nowMs() });
    if (typeof value === 'string') {
      return this.#refuse(name, listener, invalidValue(`${name}: ${value}`));
    }
    const row = archive.find(id);
    if (row !== null) {
      this.#tellArchived(topic, given, row, archive.frontier, [listener], false);
      return () => {};
    }
    const known = this.#pending.get(name, id);
    if (known !== undefined) {
      return known.isSame(given)
        ? known.listen(listener)
        : this.#refuse(name, listener, idConflict(spelled));
    }
    if (!this.#pending.makeRoom()) return this.#refuse(name, listener, overloaded);
    const message = new PendingMessage(topic, id, given);
    const leave = message.listen(listener);
    this.#pending.add(message);
    this.#parts.sink.write(topic, { id, value }).then(
      (written) => this.#written(message, written === 'written'),
      (error: unknown) => this.#failed(message, error),
    );
    return leave;
  }

  /** Listens to a message on its way, or archived; null when nothing is known of it here. */
  watch(name: string, spelled: string, listener: SubmitListener): (() => void) | null {
    const id = canonicalId(spelled);
    const archive = this.#archives.open(name);
    if (archive !== null && archive.problem === null && archive.find(id) !== null) {
      listener.accepted();
      listener.archived(archive.frontier);
      return () => {};
    }
    return this.#pending.get(name, id)?.listen(listener) ?? null;
  }

  /** Ends all listening. */
  async close(): Promise<void> {
    this.#archives.close();
    this.#pending.clear();
    await this.#parts.sink.close();
  }

  #find(name: string): { topic: Topic; archive: Archive } | Refusal {
    const away = this.#away();
    if (away !== null) return away;
    const topic = this.#parts.topics.get(name);
    if (topic === undefined) {
      const there = `those that do: ${this.topics.join(', ') || 'none'}`;
      return unknownTopic(`no topic ${JSON.stringify(name)} takes messages; ${there}`);
    }
    if ('problem' in topic) return unknownTopic(topic.problem);
    const archive = this.#archives.open(name);
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
    return state.kind === 'away' ? unavailable(state.message) : unknownTopic(state.message);
  }

  #written(message: PendingMessage, own: boolean): void {
    // One that existed may hold another value: the archive tells.
    if (own && this.#pending.has(message)) message.accept();
    this.#shown(message.topic.name, message.id);
  }

  #failed(message: PendingMessage, error: unknown): void {
    if (!this.#pending.has(message)) return;
    this.#pending.delete(message);
    const reason = error instanceof Error ? error.message : String(error);
    const refusal = this.#away() ?? unavailable(reason);
    for (const listener of message.listeners) this.#refuse(message.topic.name, listener, refusal);
  }

  /** The archive may show the message. */
  #shown(name: string, id: string): void {
    const message = this.#pending.get(name, id);
    const archive = this.#archives.lastOf(name);
    const row = archive?.find(id);
    if (message === undefined || archive === undefined || !row) return;
    this.#pending.delete(message);
    const { topic, given, listeners, accepted } = message;
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
        this.#refuse(topic.name, listener, idConflict(String(row.get(topic.archivedIn.column))));
        continue;
      }
      if (!accepted) listener.accepted();
      listener.archived(timestamp);
      this.#parts.observer?.submitted(topic.name, 'archived');
    }
  }

  /** Returns the end of a listening that is over. */
  #refuse(name: string, listener: SubmitListener, refusal: Refusal): () => void {
    // A made-up name must not become a label.
    const known = this.topics.includes(name) ? name : '';
    this.#parts.observer?.submitted(known, refusal.code);
    listener.refused(refusal);
    return () => {};
  }
}
