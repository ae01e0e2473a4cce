import { CLOSE, type CloseCode } from '../../protocol/close.ts';
import { compareFrontiers } from '../../protocol/update.ts';
import type { Behind, StreamMember } from './member.ts';
import { afterSending, live, type OutboxLimits, type OutboxState, observe } from './outbox.ts';
import type { Owed } from './owed.ts';
import type { ResumeToken } from './resume-token.ts';
import type { Framed } from './stream-encoder.ts';
import { STATUS } from './stream-message.ts';
import { type SeatHolder, StreamViewer as Viewer } from './stream-viewer.ts';

/** What an audience asks of its channel. */
export interface StreamStage {
  /** What the last message reached; null before the first snapshot. */
  readonly published: ResumeToken | null;
  readonly stale: boolean;
  /** What leads a viewer from `held` to what was published; `marked` says so in a snapshot. */
  owedTo(held: ResumeToken | null, member: StreamMember, marked: boolean): Owed;
}

export interface StreamAudienceParts {
  /** Sends to all members that entered the topic. */
  readonly publish: (topic: string, bytes: Uint8Array) => void;
  readonly nowMs: () => number;
  readonly limits: OutboxLimits;
  /** A viewer alone was sent something. */
  readonly caughtUp: (kind: 'batch' | 'snapshot', bytes: number) => void;
}

/** A viewer that holds more than this server has heard of is kept waiting so long for it. */
const AHEAD_MS = 5_000;

/**
 * The viewers of a stream: how each is reached, who waits, is live, or lags, and what those are
 * sent alone. Live viewers hold what was published, always; nobody else is touched when a batch
 * goes out.
 */
export class StreamAudience implements SeatHolder {
  readonly #stage: StreamStage;
  readonly #topic: string;
  readonly #parts: StreamAudienceParts;
  readonly #viewers = new Set<Viewer>();
  /** Live viewers that no topic reaches. */
  readonly #direct = new Set<Viewer>();
  /** Viewers that were live, fell behind, and get nothing until they drain. */
  readonly #laggards = new Set<Viewer>();
  /**
   * Viewers without a first message; with a time (ms) those that wait since then for what another
   * server told them already: nobody goes back in time.
   */
  readonly #waiting = new Map<Viewer, number | null>();
  #bytesSinceSweep = 0;

  constructor(stage: StreamStage, topic: string, parts: StreamAudienceParts) {
    this.#stage = stage;
    this.#topic = topic;
    this.#parts = parts;
  }

  get size(): number {
    return this.#viewers.size;
  }

  get laggards(): number {
    return this.#laggards.size;
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

  /** Adds a viewer, and welcomes it in the same turn if it need not wait. */
  add(member: StreamMember, from: ResumeToken | null | undefined): Viewer {
    const viewer = new Viewer(this, member, from);
    this.#viewers.add(viewer);
    this.#waiting.set(viewer, null);
    this.#admit(viewer);
    return viewer;
  }

  /** To be called when the stage has moved: whoever waited for that is welcomed. */
  admitWaiting(): void {
    // Asked after each batch, where nearly always nobody waits.
    if (this.#waiting.size === 0) return;
    for (const viewer of this.#waiting.keys()) this.#admit(viewer);
  }

  /** Sends a message to the live viewers. Returns its bytes. */
  publish(message: Framed): number {
    const bytes = message('message');
    this.#parts.publish(this.#topic, bytes);
    for (const { member } of this.#direct) member.send(message(member.format));
    this.#bytesSinceSweep += bytes.byteLength;
    return bytes.byteLength;
  }

  /**
   * To be called before the stage moves: whoever lags must leave while what it holds is still what
   * was published.
   */
  beforeStep(): void {
    if (this.#bytesSinceSweep >= this.#parts.limits.lowBytes) this.#sweep();
  }

  /** To be called when the upstream becomes stale or live. */
  tellStatus(): void {
    for (const viewer of this.#direct) this.#tellStatus(viewer);
  }

  /** Call about once a second: finds viewers that fell behind, and gives up those that stay so. */
  tick(): void {
    for (const [viewer, sinceMs] of this.#waiting) {
      if (sinceMs === null || this.#parts.nowMs() - sinceMs < AHEAD_MS) continue;
      this.#expel(viewer, CLOSE.overloaded);
    }
    this.#sweep();
    for (const viewer of this.#viewers) this.look(viewer);
  }

  /** Ends the connections of all. */
  close(reason: CloseCode): void {
    for (const viewer of [...this.#viewers]) this.#expel(viewer, reason);
  }

  heldBy({ state }: Viewer): ResumeToken | null {
    if (state.kind === 'lagging') return state.held;
    return state.kind === 'live' ? this.#stage.published : null;
  }

  /** Does what a viewer's state and buffer ask for now. */
  look(viewer: Viewer): void {
    if (!this.#viewers.has(viewer)) return;
    const held = this.heldBy(viewer);
    if (held === null) return;
    const buffered = viewer.member.bufferedBytes();
    const { limits, nowMs } = this.#parts;
    const { state, action } = observe(viewer.state, held, buffered, nowMs(), limits);
    if (action === 'leave') this.#setLagging(viewer, state);
    else viewer.state = state;
    if (action === 'catch-up') this.#catchUp(viewer, held);
    else if (action === 'close') this.#expel(viewer, CLOSE.lagging);
  }

  remove(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    this.#direct.delete(viewer);
    this.#laggards.delete(viewer);
    this.#waiting.delete(viewer);
  }

  /** Welcomes a viewer, unless the view still hydrates or the viewer is ahead of this server. */
  #admit(viewer: Viewer): void {
    const { published } = this.#stage;
    if (published === null) return;
    const { from } = viewer;
    const isAhead =
      from?.epoch === published.epoch && compareFrontiers(from.frontier, published.frontier) > 0;
    if (!isAhead) {
      this.#waiting.delete(viewer);
      this.#welcome(viewer, published);
    } else if (this.#waiting.get(viewer) === null) {
      this.#waiting.set(viewer, this.#parts.nowMs());
    }
  }

  /** A viewer's first message, in one turn with entering the topic. */
  #welcome(viewer: Viewer, published: ResumeToken): void {
    this.#enter(viewer);
    const { member, from } = viewer;
    const owed = this.#stage.owedTo(from ?? null, member, from !== undefined);
    this.#send(member, owed);
    viewer.state = live;
    this.#tellStatus(viewer);
    this.#settle(viewer, published, owed.kind === 'snapshot');
  }

  /** A lagging viewer's buffer has drained: one consolidated message, then live again. */
  #catchUp(viewer: Viewer, held: ResumeToken): void {
    const { published } = this.#stage;
    if (published === null) return;
    const owed = this.#stage.owedTo(held, viewer.member, true);
    if (owed.kind === 'snapshot' && !viewer.member.replaceable) {
      // It knows no message that replaces what it holds; its next connection starts anew.
      this.#expel(viewer, CLOSE.lagging);
      return;
    }
    this.#laggards.delete(viewer);
    this.#enter(viewer);
    viewer.state = live;
    this.#send(viewer.member, owed);
    this.#tellStatus(viewer);
    this.#settle(viewer, published, false);
  }

  /** A stream is live until it says otherwise; only events can. */
  #tellStatus(viewer: Viewer): void {
    const { stale } = this.#stage;
    if (viewer.member.format !== 'event' || viewer.toldStale === stale) return;
    viewer.toldStale = stale;
    viewer.member.send(stale ? STATUS.stale : STATUS.live);
  }

  #send(member: StreamMember, owed: Owed): void {
    if (owed.kind === 'nothing') return;
    member.send(owed.bytes);
    this.#parts.caughtUp(owed.kind, owed.bytes.byteLength);
  }

  /** A viewer has been sent something: it is live, unless that filled its buffer. */
  #settle(viewer: Viewer, published: ResumeToken, hydrating: boolean): void {
    const { limits, nowMs } = this.#parts;
    const buffered = viewer.member.bufferedBytes();
    const state = afterSending(published, buffered, nowMs(), limits, hydrating);
    if (state.kind === 'lagging') this.#setLagging(viewer, state);
  }

  /** Live viewers whose buffers have grown leave, holding what was last published. */
  #sweep(): void {
    this.#bytesSinceSweep = 0;
    for (const viewer of this.#viewers) if (viewer.state.kind === 'live') this.look(viewer);
  }

  #setLagging(viewer: Viewer, state: OutboxState): void {
    viewer.state = state;
    if (state.kind === 'lagging' && !state.hydrating) this.#laggards.add(viewer);
    if (viewer.member.format === 'message') viewer.member.leave(this.#topic);
    else this.#direct.delete(viewer);
  }

  #enter(viewer: Viewer): void {
    if (viewer.member.format === 'message') viewer.member.enter(this.#topic);
    else this.#direct.add(viewer);
  }

  #expel(viewer: Viewer, reason: CloseCode): void {
    this.remove(viewer);
    viewer.member.close(reason);
  }
}
