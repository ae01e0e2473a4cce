import { CLOSE, type CloseCode } from '../../protocol/close.ts';
import type { Batch, Changes, Frontier } from '../../protocol/update.ts';
import { GoneGrace } from './gone-grace.ts';
import type { Behind, Seat, StreamMember, StreamObserver } from './member.ts';
import type { OutboxLimits } from './outbox.ts';
import { owedTo } from './owed.ts';
import type { ResumeToken } from './resume-token.ts';
import { StreamAudience } from './stream-audience.ts';
import { StreamEncoder } from './stream-encoder.ts';
import type { LiveView } from './view.ts';

export interface StreamChannelParts {
  /** Sends to all members that entered the topic. */
  readonly publish: (topic: string, bytes: Uint8Array) => void;
  readonly nowMs: () => number;
  readonly limits: OutboxLimits;
  readonly observer: StreamObserver;
}

/** One view as its viewers get it in wikirecent's messages. Each batch is encoded once. */
export class StreamChannel {
  readonly view: LiveView;
  readonly #parts: StreamChannelParts;
  readonly #encoder: StreamEncoder;
  readonly #audience: StreamAudience;
  readonly #grace = new GoneGrace();
  readonly #unwatch: () => void;
  /** What the last message reached; null before the first snapshot. */
  #published: ResumeToken | null;
  #changedAt: Frontier | null;

  /** `topic` must name this channel alone. */
  constructor(view: LiveView, topic: string, parts: StreamChannelParts) {
    this.view = view;
    this.#parts = parts;
    this.#encoder = new StreamEncoder(view);
    this.#published = this.#viewPosition();
    this.#changedAt = view.frontier;
    this.#audience = this.#makeAudience(topic);
    this.#grace.note(view.state === 'gone', parts.nowMs());
    this.#unwatch = view.watch({
      batch: (batch) => this.#batch(batch),
      reset: (difference) => this.#reset(difference),
      state: (state) => {
        this.#grace.note(state === 'gone', parts.nowMs());
        this.#audience.tellStatus();
      },
    });
  }

  get viewers(): number {
    return this.#audience.size;
  }

  /** The frontier at which the rows last changed; null before the first snapshot. */
  get changedAt(): Frontier | null {
    return this.#changedAt;
  }

  /** Viewers that fell behind and get nothing until they drain. */
  get laggards(): number {
    return this.#audience.laggards;
  }

  /** The view's rows as JSON texts, comma-separated; kept until they change. */
  rowsText(): string {
    return this.#encoder.rowsText();
  }

  /** Those whose bytes wait, each with how many, and how to end its connection. */
  behind(): readonly Behind[] {
    return this.#audience.behind();
  }

  /**
   * Seats a viewer and, in the same turn, sends its first message: what it missed since `from`, or
   * the snapshot. With `from` null it named a position that cannot be read. A view that is still
   * hydrating, or has not come to `from` yet, lets it wait.
   */
  join(member: StreamMember, from?: ResumeToken | null): Seat {
    return this.#audience.add(member, from);
  }

  /** Call about once a second: finds viewers that fell behind, and gives up those that stay so. */
  tick(): void {
    if (this.#grace.isOver(this.#parts.nowMs())) this.#audience.close(CLOSE.viewGone);
    this.#audience.tick();
  }

  /** Ends the channel and its viewers' connections. */
  close(reason: CloseCode): void {
    this.#unwatch();
    this.#audience.close(reason);
  }

  #makeAudience(topic: string): StreamAudience {
    const channel = this;
    const stage = {
      get published() {
        return channel.#published;
      },
      get stale() {
        return channel.view.state === 'stale';
      },
      owedTo: (held: ResumeToken | null, member: StreamMember, marked: boolean) =>
        owedTo(this.view, this.#encoder, held, member, marked),
    };
    const { publish, nowMs, limits, observer } = this.#parts;
    return new StreamAudience(stage, topic, {
      publish,
      nowMs,
      limits,
      caughtUp: (kind, bytes) => observer.caughtUp(this.view.name, kind, bytes),
    });
  }

  #viewPosition(): ResumeToken | null {
    const { epoch, frontier } = this.view;
    return frontier === null ? null : { epoch, frontier };
  }

  #batch({ changes }: Batch): void {
    this.#moved(changes.size > 0);
    const position = this.#viewPosition();
    if (position === null) return;
    this.#audience.beforeStep();
    this.#publish(changes, position);
    this.#audience.admitWaiting();
  }

  #reset(difference: Changes): void {
    this.#moved(true);
    const position = this.#viewPosition();
    if (position === null) return;
    // Before the first snapshot there is nothing to differ from.
    if (this.#published === null) this.#published = position;
    else this.#publish(difference, position);
    this.#audience.admitWaiting();
  }

  #moved(rowsChanged: boolean): void {
    this.#encoder.moved(rowsChanged);
    if (rowsChanged) this.#changedAt = this.view.frontier;
  }

  #publish(changes: Changes, position: ResumeToken): void {
    this.#published = position;
    if (changes.size === 0 || this.#audience.size === 0) return;
    const bytes = this.#audience.publish(this.#encoder.batch(changes, position));
    const { size, laggards } = this.#audience;
    this.#parts.observer.published(this.view.name, bytes, size - laggards, position.frontier);
  }
}
