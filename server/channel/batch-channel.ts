import { CLOSE, type CloseCode } from '../../protocol/close.ts';
import type { Changes } from '../../protocol/update.ts';
import type { BatchMember, BatchSeat, HeldPoint } from './batch-member.ts';
import { encodeBatch, encodeProgress, encodeStatus, encodeSubscribed } from './batch-message.ts';
import { Group, type Missing, type Position } from './group.ts';
import type { OutboxLimits } from './outbox.ts';
import { SentLog } from './sent-log.ts';
import type { LiveView } from './view.ts';

export interface BatchChannelParts {
  readonly publish: (topic: string, bytes: Uint8Array) => void;
  readonly nowMs: () => number;
  /** Runs `run` after `ms`; 0 is the end of the present turn. */
  readonly after: (ms: number, run: () => void) => void;
  readonly limits: OutboxLimits;
  readonly observer: {
    published(view: string, bytes: number, viewers: number, upper: Position['frontier']): void;
    caughtUp(view: string, kind: 'batch' | 'snapshot', bytes: number): void;
  };
  /** A number that no channel of this server has had. */
  readonly nextNumber: () => number;
}

/** Progress comes so long after a batch, and then so often: `hello` promises 15 s. */
const QUIET_MS = 1_000;
const PROGRESS_MS = 14_500;
const GONE_GRACE_MS = 5_000;

/**
 * One subscription's state: `hydrating` while parts are on their way that are its own, `live` in
 * the topic, `lagging` when it left the topic and holds `held`.
 */
type ViewerState =
  | {
      readonly kind: 'hydrating';
      readonly parts: readonly Uint8Array[];
      readonly next: number;
      readonly held: Position;
      readonly sinceMs: number;
    }
  | { readonly kind: 'live' }
  | {
      readonly kind: 'lagging';
      readonly held: Position;
      readonly leftAt: number;
      readonly sinceMs: number;
    };

interface Viewer {
  readonly id: string;
  readonly member: BatchMember;
  state: ViewerState;
  /** What of `SentLog.total` it has acknowledged, or was not sent. */
  ackedTotal: number;
}

/** Why a subscription cannot begin just now. */
export type Refused = 'hydrating' | 'ahead';

/**
 * The viewers of the same views under the same filters at the same pace. A batch is encoded and
 * published once. Every live viewer holds the group's position.
 */
export class BatchChannel {
  readonly #views: readonly LiveView[];
  readonly #everyMs: number;
  readonly #parts: BatchChannelParts;
  readonly #unwatch: readonly (() => void)[];
  readonly #viewers = new Set<Viewer>();
  readonly #sent: SentLog;
  #number: number;
  #group: Group | null = null;
  #snapshot: { readonly position: Position; readonly parts: readonly Uint8Array[] } | null = null;
  #deferred = false;
  #bytesSinceSweep = 0;
  #emittedMs = Number.NEGATIVE_INFINITY;
  #progressMs = Number.POSITIVE_INFINITY;
  #stale = false;
  #goneSinceMs: number | null = null;

  constructor(views: readonly LiveView[], everyMs: number, parts: BatchChannelParts) {
    this.#views = views;
    this.#everyMs = everyMs;
    this.#parts = parts;
    this.#number = parts.nextNumber();
    this.#sent = new SentLog(4 * parts.limits.highBytes);
    this.#unwatch = views.map((view) =>
      view.watch({
        batch: ({ changes }) => {
          this.#group?.add(view, changes);
          this.#emitSoon();
        },
        reset: () => this.#begin(),
        state: () => this.#watchState(),
      }),
    );
    this.#begin();
    this.#watchState();
  }

  get number(): number {
    return this.#number;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** Seats a viewer and sends `subscribed` and its first batch, or says why not. */
  join(member: BatchMember, id: string, from: HeldPoint | undefined): BatchSeat | Refused {
    const group = this.#group;
    if (group === null) return 'hydrating';
    // Nobody holds the position yet: it may as well be the newest.
    if (this.#viewers.size === 0) group.advance(this.#parts.nowMs());
    const missing = this.#missingOf(group, from);
    if (missing?.kind === 'ahead') return 'ahead';
    const viewer: Viewer = { id, member, state: { kind: 'live' }, ackedTotal: this.#sent.total };
    this.#viewers.add(viewer);
    this.#welcome(viewer, group, from, missing);
    const number = () => this.#number;
    return {
      get channel() {
        return number();
      },
      get catchingUp() {
        return viewer.state.kind === 'hydrating';
      },
      acknowledged: (upper) => this.#acknowledged(viewer, this.#sent.upTo(upper)),
      drained: () => this.#look(viewer),
      leave: () => this.#remove(viewer),
    };
  }

  /** Call a few times a second: stragglers, progress, and viewers that stay behind. */
  tick(): void {
    const nowMs = this.#parts.nowMs();
    if (this.#goneSinceMs !== null && nowMs - this.#goneSinceMs >= GONE_GRACE_MS) {
      this.#endAll();
      return;
    }
    this.#emit();
    if (nowMs >= this.#progressMs) this.#proveQuiet();
    for (const viewer of this.#viewers) this.#look(viewer);
  }

  /** Ends the channel; with a reason the viewers' connections too, else their subscriptions. */
  close(reason: CloseCode | null): void {
    for (const unwatch of this.#unwatch) unwatch();
    if (reason === null) this.#endAll();
    else for (const viewer of [...this.#viewers]) this.#expel(viewer, reason);
  }

  get #topic(): string {
    return `channel ${this.#number}`;
  }

  /** Starts over: all views have rows, and perhaps one of them another epoch. */
  #begin(): void {
    const first = this.#group === null;
    const ready = this.#views.every(({ frontier }) => frontier !== null);
    const before = this.#topic;
    this.#group = ready ? new Group(this.#views, this.#parts.nowMs()) : null;
    this.#snapshot = null;
    this.#sent.restart();
    if (first || this.#group === null) return;
    // The number names what was sent under the epoch before: the viewers move to another channel.
    this.#number = this.#parts.nextNumber();
    this.#progressMs = this.#parts.nowMs() + QUIET_MS;
    for (const viewer of this.#viewers) {
      if (viewer.state.kind === 'live') viewer.member.leave(before);
      const from = { epoch: '', timestamp: 0 };
      this.#welcome(viewer, this.#group, from, null);
    }
  }

  #missingOf(group: Group, from: HeldPoint | undefined): Missing | null {
    if (from === undefined || from.epoch !== group.epoch) return null;
    // No batch starts at the end, but a snapshot may stand there.
    if (from.timestamp === 'end') return { kind: 'expired' };
    const position = { frontier: from.timestamp, held: from.held ?? {} };
    const missing = group.since(position);
    if (missing.kind !== 'ahead') return missing;
    // Another server, or a proof of quiet, has told it more: perhaps this one may, too.
    this.#emit();
    this.#proveQuiet();
    return group.since(position);
  }

  #welcome(
    viewer: Viewer,
    group: Group,
    from: HeldPoint | undefined,
    missing: Missing | null,
  ): void {
    const batch =
      missing?.kind === 'changes' && from !== undefined
        ? this.#encodeFrom(from.timestamp, missing.changes)
        : null;
    const smaller = batch !== null && sizeOf(batch) > sizeOf(this.#snapshotParts(group));
    const resumed = batch === null || smaller ? 'snapshot' : 'batch';
    const expired = missing === null ? 'epoch' : 'expired';
    const reason = smaller ? 'smaller' : expired;
    const columns = Object.fromEntries(this.#views.map((view) => [view.name, view.columns]));
    viewer.member.send(
      encodeSubscribed({
        id: viewer.id,
        channel: this.#number,
        epoch: group.epoch,
        columns,
        resumed,
        ...(resumed === 'snapshot' && from !== undefined ? { reason } : {}),
      }),
    );
    if (this.#stale) viewer.member.send(encodeStatus(this.#number, 'stale'));
    this.#sendOwn(viewer, group, batch === null || smaller ? null : batch);
  }

  /** Sends a viewer what is its own, and lets it into the topic when the last part is sent. */
  #sendOwn(viewer: Viewer, group: Group, batch: readonly Uint8Array[] | null): void {
    const parts = batch ?? this.#snapshotParts(group);
    const kind = batch === null ? 'snapshot' : 'batch';
    this.#parts.observer.caughtUp(this.#name, kind, sizeOf(parts));
    const sinceMs = this.#parts.nowMs();
    viewer.state = { kind: 'hydrating', parts, next: 0, held: group.position, sinceMs };
    this.#pump(viewer);
  }

  #pump(viewer: Viewer): void {
    let { state } = viewer;
    while (state.kind === 'hydrating') {
      const part = state.parts[state.next];
      if (part === undefined) {
        this.#settle(viewer, state.held);
        return;
      }
      if (state.next > 0 && viewer.member.bufferedBytes() >= this.#parts.limits.lowBytes) return;
      viewer.member.send(part);
      state = { ...state, next: state.next + 1, sinceMs: this.#parts.nowMs() };
      viewer.state = state;
    }
  }

  /** The viewer has been sent all up to `held`: one more batch if the channel moved, then live. */
  #settle(viewer: Viewer, held: Position): void {
    const group = this.#group;
    if (group === null) return;
    if (held.frontier !== group.position.frontier) {
      const missing = group.since(held);
      const batch =
        missing.kind === 'changes' ? this.#encodeFrom(held.frontier, missing.changes) : null;
      this.#sendOwn(viewer, group, batch);
      return;
    }
    viewer.state = { kind: 'live' };
    viewer.ackedTotal = this.#sent.total;
    viewer.member.enter(this.#topic);
    if (this.#progressMs === Number.POSITIVE_INFINITY) {
      this.#progressMs = this.#parts.nowMs() + QUIET_MS;
    }
  }

  #encodeFrom(
    lower: Position['frontier'],
    changes: ReadonlyMap<string, Changes>,
  ): readonly Uint8Array[] | null {
    if (this.#group === null) return null;
    const { position } = this.#group;
    return encodeBatch({ channel: this.#number, lower, upper: position, changes });
  }

  #snapshotParts(group: Group): readonly Uint8Array[] {
    if (this.#snapshot?.position !== group.position) {
      const channel = this.#number;
      const { position } = group;
      const changes = group.rows();
      const parts = encodeBatch({ channel, lower: null, upper: position, changes });
      this.#snapshot = { position, parts };
    }
    return this.#snapshot.parts;
  }

  /** All that a turn brings, or `everyMs`, goes out as one batch. */
  #emitSoon(): void {
    if (this.#deferred || this.#viewers.size === 0) return;
    this.#deferred = true;
    const waitMs = this.#emittedMs + this.#everyMs - this.#parts.nowMs();
    this.#parts.after(Math.max(0, waitMs), () => {
      this.#deferred = false;
      this.#emit();
    });
  }

  #emit(): void {
    const group = this.#group;
    const nowMs = this.#parts.nowMs();
    if (group === null || !group.hasPending || nowMs - this.#emittedMs < this.#everyMs) return;
    // Whoever lags must leave before this batch: what it holds is the position before it.
    if (this.#bytesSinceSweep >= this.#parts.limits.lowBytes) this.#sweep();
    const step = group.advance(nowMs);
    if (step === null) return;
    this.#emittedMs = nowMs;
    this.#progressMs = nowMs + QUIET_MS;
    if (this.#viewers.size === 0) return;
    const { lower, upper, changes } = step;
    const channel = this.#number;
    this.#publish(encodeBatch({ channel, lower: lower.frontier, upper, changes }), upper);
  }

  /** Nothing has changed since the last batch, up to now, and this is the hash of what is held. */
  #proveQuiet(): void {
    const group = this.#group;
    if (group === null || this.#viewers.size === 0 || group.hasPending) return;
    const nowMs = this.#parts.nowMs();
    group.advance(nowMs);
    this.#publish([encodeProgress(this.#number, group.position, group.hashes())], group.position);
    this.#progressMs = nowMs + PROGRESS_MS;
  }

  #publish(messages: readonly Uint8Array[], upper: Position): void {
    for (const bytes of messages) this.#parts.publish(this.#topic, bytes);
    const bytes = sizeOf(messages);
    this.#bytesSinceSweep += bytes;
    this.#sent.published(upper.frontier, bytes);
    this.#parts.observer.published(this.#name, bytes, this.#viewers.size, upper.frontier);
  }

  get #name(): string {
    return this.#views.map(({ name }) => name).join('+');
  }

  #watchState(): void {
    const nowMs = this.#parts.nowMs();
    const gone = this.#views.some(({ state }) => state === 'gone');
    this.#goneSinceMs = gone ? (this.#goneSinceMs ?? nowMs) : null;
    const stale = this.#views.some(({ state }) => state === 'stale');
    if (stale === this.#stale) return;
    this.#stale = stale;
    this.#parts.publish(this.#topic, encodeStatus(this.#number, stale ? 'stale' : 'live'));
  }

  #acknowledged(viewer: Viewer, total: number): void {
    viewer.ackedTotal = Math.max(viewer.ackedTotal, total);
    this.#look(viewer);
  }

  #sweep(): void {
    this.#bytesSinceSweep = 0;
    for (const viewer of this.#viewers) if (viewer.state.kind === 'live') this.#lookLive(viewer);
  }

  #look(viewer: Viewer): void {
    if (!this.#viewers.has(viewer)) return;
    const { limits, nowMs } = this.#parts;
    const { state, member } = viewer;
    if (state.kind === 'live') this.#lookLive(viewer);
    else if (state.kind === 'hydrating') this.#pump(viewer);
    else if (state.leftAt - viewer.ackedTotal < limits.lowBytes) {
      if (member.bufferedBytes() < limits.lowBytes) this.#settle(viewer, state.held);
    }
    const { state: now } = viewer;
    if (state.kind !== 'live' && now.kind !== 'live' && nowMs() - now.sinceMs >= limits.lagMs) {
      this.#expel(viewer, CLOSE.lagging);
    }
  }

  #lookLive(viewer: Viewer): void {
    const { limits, nowMs } = this.#parts;
    const unacknowledged = this.#sent.total - viewer.ackedTotal;
    const owed = Math.max(unacknowledged, viewer.member.bufferedBytes());
    if (owed <= limits.highBytes || this.#group === null) return;
    const held = this.#group.position;
    viewer.state = { kind: 'lagging', held, leftAt: this.#sent.total, sinceMs: nowMs() };
    viewer.member.leave(this.#topic);
  }

  #remove(viewer: Viewer): void {
    if (!this.#viewers.delete(viewer)) return;
    if (viewer.state.kind === 'live') viewer.member.leave(this.#topic);
  }

  #expel(viewer: Viewer, reason: CloseCode): void {
    this.#remove(viewer);
    viewer.member.close(reason);
  }

  #endAll(): void {
    for (const viewer of [...this.#viewers]) {
      this.#remove(viewer);
      viewer.member.ended();
    }
  }
}

const sizeOf = (messages: readonly Uint8Array[]): number =>
  messages.reduce((sum, { byteLength }) => sum + byteLength, 0);
