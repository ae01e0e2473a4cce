import { CLOSE, type CloseCode } from '../../protocol/close.ts';
import {
  type Batch,
  type Changes,
  compareFrontiers,
  type Frontier,
} from '../../protocol/update.ts';
import type { Behind, Seat, StreamMember, StreamObserver } from './member.ts';
import { afterSending, live, type OutboxLimits, type OutboxState, observe } from './outbox.ts';
import { type Owed, owedTo } from './owed.ts';
import type { ResumeToken } from './resume-token.ts';
import { StreamEncoder } from './stream-encoder.ts';
import { STATUS } from './stream-message.ts';
import { type SeatHolder, StreamViewer as Viewer } from './stream-viewer.ts';
import type { LiveView } from './view.ts';

export interface StreamChannelParts {
  /** Sends to all members that entered the topic. */
  readonly publish: (topic: string, bytes: Uint8Array) => void;
  readonly nowMs: () => number;
  readonly limits: OutboxLimits;
  readonly observer: StreamObserver;
}

/** A dropped view is often created anew at once; its viewers are kept so long. */
const GONE_GRACE_MS = 5_000;
/** A viewer that holds more than this server has heard of is kept waiting so long for it. */
const AHEAD_MS = 5_000;

/**
 * The viewers of one view who get wikirecent's messages. Each batch is encoded once. Live viewers
 * hold `#published`, always; nobody else is touched when a batch goes out.
 */
export class StreamChannel {
  readonly view: LiveView;
  readonly #topic: string;
  readonly #parts: StreamChannelParts;
  readonly #encoder: StreamEncoder;
  readonly #viewers = new Set<Viewer>();
  /** Live viewers that no topic reaches. */
  readonly #direct = new Set<Viewer>();
  /**
   * Viewers that wait for what another server told them already, and since when (ms): nobody goes
   * back in time.
   */
  readonly #ahead = new Map<Viewer, number>();
  /** What viewers' seats may ask. */
  readonly #seats: SeatHolder = {
    heldBy: (viewer) => this.#heldBy(viewer),
    look: (viewer) => {
      if (this.#viewers.has(viewer)) this.#look(viewer);
    },
    remove: (viewer) => this.#remove(viewer),
  };
  readonly #unwatch: () => void;
  /** What the last message reached; null before the first snapshot. */
  #published: ResumeToken | null = null;
  #changedAt: Frontier | null = null;
  #bytesSinceSweep = 0;
  #laggards = 0;
  #goneSinceMs: number | null = null;

  /** `topic` must name this channel alone. */
  constructor(view: LiveView, topic: string, parts: StreamChannelParts) {
    this.view = view;
    this.#topic = topic;
    this.#parts = parts;
    this.#encoder = new StreamEncoder(view);
    this.#published = this.#viewPosition();
    this.#changedAt = view.frontier;
    if (view.state === 'gone') this.#goneSinceMs = parts.nowMs();
    this.#unwatch = view.watch({
      batch: (batch) => this.#batch(batch),
      reset: (difference) => this.#reset(difference),
      state: (state) => {
        this.#goneSinceMs = state === 'gone' ? parts.nowMs() : null;
        for (const viewer of this.#direct) this.#tellStatus(viewer);
      },
    });
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** The frontier at which the rows last changed; null before the first snapshot. */
  get changedAt(): Frontier | null {
    return this.#changedAt;
  }

  /** Viewers that fell behind and get nothing until they drain. */
  get laggards(): number {
    return this.#laggards;
  }

  /** The view's rows as JSON texts, comma-separated; kept until they change. */
  rowsText(): string {
    return this.#encoder.rowsText();
  }

  /** Those whose bytes wait, each with how many, and how to end its connection. */
  behind(): readonly Behind[] {
    return [...this.#viewers]
      .filter(({ state }) => state.kind === 'lagging')
      .map((viewer) => ({
        bytes: viewer.member.bufferedBytes(),
        close: (reason) => {
          if (this.#viewers.has(viewer)) this.#expel(viewer, reason);
        },
      }));
  }

  /**
   * Seats a viewer and, in the same turn, sends its first message: what it missed since `from`, or
   * the snapshot. With `from` null it named a position that cannot be read. A view that is still
   * hydrating, or has not come to `from` yet, lets it wait.
   */
  join(member: StreamMember, from?: ResumeToken | null): Seat {
    const viewer = new Viewer(this.#seats, member, from);
    this.#viewers.add(viewer);
    if (this.#published !== null) this.#admit(viewer, this.#published);
    return viewer;
  }

  /** Call about once a second: finds viewers that fell behind, and gives up those that stay so. */
  tick(): void {
    const goneMs = this.#goneSinceMs;
    if (goneMs !== null && this.#parts.nowMs() - goneMs >= GONE_GRACE_MS) {
      this.#closeAll(CLOSE.viewGone);
    }
    for (const [viewer, sinceMs] of this.#ahead) {
      if (this.#parts.nowMs() - sinceMs >= AHEAD_MS) this.#expel(viewer, CLOSE.overloaded);
    }
    this.#sweep();
    for (const viewer of this.#viewers) this.#look(viewer);
  }

  /** Ends the channel and its viewers' connections. */
  close(reason: CloseCode): void {
    this.#unwatch();
    this.#closeAll(reason);
  }

  #viewPosition(): ResumeToken | null {
    const { epoch, frontier } = this.view;
    return frontier === null ? null : { epoch, frontier };
  }

  #heldBy(viewer: Viewer): ResumeToken | null {
    if (viewer.state.kind === 'lagging') return viewer.state.held;
    return viewer.state.kind === 'live' ? this.#published : null;
  }

  #batch(batch: Batch): void {
    this.#moved(batch.changes.size > 0);
    const position = this.#viewPosition();
    if (position === null) return;
    // Whoever lags must leave before this batch: what it holds is the position before it.
    if (this.#bytesSinceSweep >= this.#parts.limits.lowBytes) this.#sweep();
    this.#publish(batch.changes, position);
    for (const viewer of this.#ahead.keys()) this.#admit(viewer, position);
  }

  #reset(difference: Changes): void {
    const first = this.#published === null;
    this.#moved(true);
    const position = this.#viewPosition();
    if (position === null) return;
    if (!first) this.#publish(difference, position);
    this.#published = position;
    for (const viewer of this.#viewers) {
      if (viewer.state.kind === 'waiting') this.#admit(viewer, position);
    }
  }

  #moved(rowsChanged: boolean): void {
    this.#encoder.moved(rowsChanged);
    if (rowsChanged) this.#changedAt = this.view.frontier;
  }

  #publish(changes: Changes, position: ResumeToken): void {
    this.#published = position;
    if (changes.size === 0 || this.#viewers.size === 0) return;
    const message = this.#encoder.batch(changes, position);
    const bytes = message('message');
    this.#parts.publish(this.#topic, bytes);
    for (const { member } of this.#direct) member.send(message(member.format));
    this.#bytesSinceSweep += bytes.byteLength;
    this.#parts.observer.published(
      this.view.name,
      bytes.byteLength,
      this.#viewers.size - this.#laggards,
      position.frontier,
    );
  }

  /** Welcomes a viewer, unless it is ahead of this server. */
  #admit(viewer: Viewer, position: ResumeToken): void {
    const { from } = viewer;
    const isAhead =
      from?.epoch === position.epoch && compareFrontiers(from.frontier, position.frontier) > 0;
    if (isAhead) {
      if (!this.#ahead.has(viewer)) this.#ahead.set(viewer, this.#parts.nowMs());
    } else {
      this.#ahead.delete(viewer);
      this.#welcome(viewer, position);
    }
  }

  /** A viewer's first message, in one turn with entering the topic. */
  #welcome(viewer: Viewer, position: ResumeToken): void {
    this.#enter(viewer);
    const { member, from } = viewer;
    const owed = owedTo(this.view, this.#encoder, from ?? null, member, from !== undefined);
    this.#send(member, owed);
    viewer.state = live;
    this.#tellStatus(viewer);
    this.#settle(viewer, position, owed.kind === 'snapshot');
  }

  /** A lagging viewer's buffer has drained: one consolidated message, then live again. */
  #catchUp(viewer: Viewer, held: ResumeToken): void {
    const position = this.#published;
    if (position === null) return;
    const owed = owedTo(this.view, this.#encoder, held, viewer.member, true);
    if (owed.kind === 'snapshot' && !viewer.member.replaceable) {
      // It knows no message that replaces what it holds; its next connection starts anew.
      this.#expel(viewer, CLOSE.lagging);
      return;
    }
    this.#setLive(viewer);
    this.#send(viewer.member, owed);
    this.#tellStatus(viewer);
    this.#settle(viewer, position, false);
  }

  /** A stream is live until it says otherwise; only events can. */
  #tellStatus(viewer: Viewer): void {
    const stale = this.view.state === 'stale';
    if (viewer.member.format !== 'event' || viewer.toldStale === stale) return;
    viewer.toldStale = stale;
    viewer.member.send(stale ? STATUS.stale : STATUS.live);
  }

  #send(member: StreamMember, owed: Owed): void {
    if (owed.kind === 'nothing') return;
    member.send(owed.bytes);
    this.#parts.observer.caughtUp(this.view.name, owed.kind, owed.bytes.byteLength);
  }

  /** A viewer has been sent something: it is live, unless that filled its buffer. */
  #settle(viewer: Viewer, position: ResumeToken, hydrating: boolean): void {
    const { limits, nowMs } = this.#parts;
    const buffered = viewer.member.bufferedBytes();
    const state = afterSending(position, buffered, nowMs(), limits, hydrating);
    if (state.kind === 'lagging') this.#setLagging(viewer, state);
  }

  /** Live viewers whose buffers have grown leave, holding what was last published. */
  #sweep(): void {
    this.#bytesSinceSweep = 0;
    for (const viewer of this.#viewers) if (viewer.state.kind === 'live') this.#look(viewer);
  }

  #look(viewer: Viewer): void {
    const held = this.#heldBy(viewer);
    if (held === null) return;
    const buffered = viewer.member.bufferedBytes();
    const { limits, nowMs } = this.#parts;
    const { state, action } = observe(viewer.state, held, buffered, nowMs(), limits);
    if (action === 'leave') this.#setLagging(viewer, state);
    else viewer.state = state;
    if (action === 'catch-up') this.#catchUp(viewer, held);
    else if (action === 'close') this.#expel(viewer, CLOSE.lagging);
  }

  #enter(viewer: Viewer): void {
    if (viewer.member.format === 'message') viewer.member.enter(this.#topic);
    else this.#direct.add(viewer);
  }

  #leaveTopic(viewer: Viewer): void {
    if (viewer.member.format === 'message') viewer.member.leave(this.#topic);
    else this.#direct.delete(viewer);
  }

  #setLagging(viewer: Viewer, state: OutboxState): void {
    viewer.state = state;
    this.#leaveTopic(viewer);
    this.#countLaggard(viewer, 1);
  }

  #setLive(viewer: Viewer): void {
    this.#countLaggard(viewer, -1);
    this.#enter(viewer);
    viewer.state = live;
  }

  #countLaggard(viewer: Viewer, change: 1 | -1): void {
    if (viewer.state.kind !== 'lagging' || viewer.state.hydrating) return;
    this.#laggards += change;
  }

  #remove(viewer: Viewer): void {
    if (!this.#viewers.delete(viewer)) return;
    this.#countLaggard(viewer, -1);
    this.#direct.delete(viewer);
    this.#ahead.delete(viewer);
  }

  #expel(viewer: Viewer, reason: CloseCode): void {
    this.#remove(viewer);
    viewer.member.close(reason);
  }

  #closeAll(reason: CloseCode): void {
    for (const viewer of [...this.#viewers]) this.#expel(viewer, reason);
  }
}
