import { CLOSE, type CloseCode } from '../../protocol/close.ts';
import { compareFrontiers, type Frontier } from '../../protocol/update.ts';
import type { BatchMember } from './batch-member.ts';
import { encodeStatus } from './batch-message.ts';
import { fresh, live, type SeatHolder, BatchViewer as Viewer } from './batch-viewer.ts';
import type { Group } from './group.ts';
import type { Behind } from './member.ts';
import type { OutboxLimits } from './outbox.ts';
import { type Owned, type OwnMessages, sizeOf } from './owned.ts';
import { type Position, standsAt } from './position.ts';
import { SentLog } from './sent-log.ts';
import { Waiting } from './waiting.ts';

/** The views of one epoch each, as one, and what single viewers are sent of them. */
export interface Epoch {
  readonly group: Group;
  readonly owned: Owned;
}

/** What an audience asks of its channel. */
export interface Stage {
  readonly number: number;
  readonly topic: string;
  /** Null while the views are not all of one database: nobody is sent anything. */
  readonly epoch: Epoch | null;
  readonly stale: boolean;
}

/** The viewers of a channel: who is live, who is behind, and what those are sent alone. */
export class Audience implements SeatHolder {
  readonly #stage: Stage;
  readonly #limits: OutboxLimits;
  readonly #nowMs: () => number;
  readonly #caughtUp: (own: OwnMessages, bytes: number) => void;
  readonly #viewers = new Set<Viewer>();
  readonly #sent: SentLog;
  readonly #waiting = new Waiting<Viewer>((viewer, frontier) => this.#isShown(viewer, frontier));
  #bytesSinceSweep = 0;

  constructor(
    stage: Stage,
    limits: OutboxLimits,
    nowMs: () => number,
    caughtUp: (own: OwnMessages, bytes: number) => void,
  ) {
    this.#stage = stage;
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#caughtUp = caughtUp;
    this.#sent = new SentLog(4 * limits.highBytes);
  }

  get size(): number {
    return this.#viewers.size;
  }

  /** The channel's number. */
  get channel(): number {
    return this.#stage.number;
  }

  all(): readonly Viewer[] {
    return [...this.#viewers];
  }

  /** Those that lag. What they have not acknowledged is held here or by the kernel. */
  behind(): readonly Behind[] {
    return [...this.#viewers].flatMap((viewer) => {
      const { state, member, ackedTotal } = viewer;
      if (state.kind !== 'lagging') return [];
      const bytes = Math.max(state.leftAt - ackedTotal, member.bufferedBytes());
      const close = (reason: CloseCode): void => {
        if (this.#viewers.has(viewer)) this.expel(viewer, reason);
      };
      return [{ bytes, close }];
    });
  }

  /** Adds a viewer, to be sent its first messages by {@link sendOwn}. */
  add(member: BatchMember, id: string): Viewer {
    const viewer = new Viewer(this, member, id, this.#sent.total);
    this.#viewers.add(viewer);
    return viewer;
  }

  /** Something was published to the topic. */
  published(upper: Frontier, bytes: number): void {
    this.#bytesSinceSweep += bytes;
    this.#sent.published(upper, bytes);
  }

  /**
   * Calls `run`, once, when the viewer has been sent all of every view up to the frontier, or has
   * left: at once where that is so already.
   */
  whenShown(viewer: Viewer, frontier: Frontier, run: () => void): void {
    this.#waiting.add(viewer, frontier, run);
  }

  /** To be called after whatever may have shown more to somebody. */
  lookWaiting(): void {
    this.#waiting.look();
  }

  /** Timestamps start over; live viewers leave the topic, and all are new. */
  restart(topic: string): void {
    this.#sent.restart();
    this.#waiting.restart();
    for (const viewer of this.#viewers) {
      if (viewer.state.kind === 'live') viewer.member.leave(topic);
      viewer.state = fresh;
    }
  }

  /** Sends a viewer what is its own, and lets it into the topic when the last part is sent. */
  sendOwn(viewer: Viewer, own: OwnMessages): void {
    const { parts } = own;
    const { epoch } = this.#stage;
    if (epoch === null) return;
    const held = epoch.group.position;
    this.#caughtUp(own, sizeOf(parts));
    viewer.state = { kind: 'hydrating', parts, next: 0, held, sinceMs: this.#nowMs() };
    this.#pump(viewer);
  }

  acknowledged(viewer: Viewer, upper: Frontier): void {
    const { state } = viewer;
    // The log may have forgotten what a laggard was sent last, but that was up to what it holds.
    const all = state.kind === 'lagging' && compareFrontiers(upper, state.held.frontier) >= 0;
    const total = all ? state.leftAt : this.#sent.upTo(upper);
    viewer.ackedTotal = Math.max(viewer.ackedTotal, total);
    this.look(viewer);
  }

  /**
   * To be called before anything moves the position: whoever lags must leave while what it holds
   * is still known.
   */
  beforeStep(): void {
    if (this.#bytesSinceSweep < this.#limits.lowBytes) return;
    this.#bytesSinceSweep = 0;
    for (const viewer of this.#viewers) if (viewer.state.kind === 'live') this.#lookLive(viewer);
  }

  /** Does what a viewer's state and buffer ask for now. */
  look(viewer: Viewer): void {
    if (!this.#viewers.has(viewer) || this.#stage.epoch === null) return;
    const { state, member } = viewer;
    const { lowBytes, lagMs } = this.#limits;
    if (state.kind === 'new') return;
    if (state.kind === 'live') {
      this.#lookLive(viewer);
      return;
    }
    if (state.kind === 'hydrating') this.#pump(viewer);
    else if (state.leftAt - viewer.ackedTotal < lowBytes && member.bufferedBytes() < lowBytes) {
      this.#settle(viewer, state.held);
    }
    const { state: now } = viewer;
    if (now.kind !== 'live' && now.kind !== 'new' && this.#nowMs() - now.sinceMs >= lagMs) {
      this.expel(viewer, CLOSE.lagging);
    }
  }

  /** Live viewers have been told by the topic whether the upstream is stale. */
  toldStatus(stale: boolean): void {
    for (const viewer of this.#viewers) if (viewer.state.kind === 'live') viewer.toldStale = stale;
  }

  remove(viewer: Viewer): void {
    if (this.#forget(viewer)) this.lookWaiting();
  }

  expel(viewer: Viewer, reason: CloseCode): void {
    this.#forget(viewer);
    // First: whoever waits is to find it gone, and not to be told that it was shown anything.
    viewer.member.close(reason);
    this.lookWaiting();
  }

  /** Returns whether the viewer was there. */
  #forget(viewer: Viewer): boolean {
    const { state, member } = viewer;
    if (!this.#viewers.delete(viewer)) return false;
    if (state.kind === 'live') member.leave(this.#stage.topic);
    return true;
  }

  #pump(viewer: Viewer): void {
    let { state } = viewer;
    while (state.kind === 'hydrating') {
      const part = state.parts[state.next];
      if (part === undefined) {
        this.#settle(viewer, state.held);
        return;
      }
      if (state.next > 0 && viewer.member.bufferedBytes() >= this.#limits.lowBytes) return;
      viewer.member.send(part);
      state = { ...state, next: state.next + 1, sinceMs: this.#nowMs() };
      viewer.state = state;
    }
  }

  /** The viewer has been sent all up to `held`: one more batch if the channel moved, then live. */
  #settle(viewer: Viewer, held: Position): void {
    const { number, epoch, stale, topic } = this.#stage;
    if (epoch === null) return;
    if (held.frontier !== epoch.group.position.frontier) {
      this.sendOwn(viewer, epoch.owned.since(held));
      return;
    }
    if (viewer.toldStale !== stale) {
      viewer.member.send(encodeStatus(number, stale ? 'stale' : 'live'));
      viewer.toldStale = stale;
    }
    viewer.state = live;
    viewer.ackedTotal = this.#sent.total;
    viewer.member.enter(topic);
    this.lookWaiting();
  }

  #isShown(viewer: Viewer, frontier: Frontier): boolean {
    if (!this.#viewers.has(viewer)) return true;
    // Between two epochs nobody can say what the frontier is of.
    const { epoch } = this.#stage;
    if (epoch === null) return false;
    const { state } = viewer;
    if (state.kind === 'live') return epoch.group.shows(frontier);
    return state.kind === 'lagging' && standsAt(state.held, frontier);
  }

  #lookLive(viewer: Viewer): void {
    const unacknowledged = this.#sent.total - viewer.ackedTotal;
    const owed = Math.max(unacknowledged, viewer.member.bufferedBytes());
    if (owed <= this.#limits.highBytes) return;
    const { epoch, topic } = this.#stage;
    if (epoch === null) return;
    const held = epoch.group.position;
    viewer.state = { kind: 'lagging', held, leftAt: this.#sent.total, sinceMs: this.#nowMs() };
    viewer.member.leave(topic);
  }
}
