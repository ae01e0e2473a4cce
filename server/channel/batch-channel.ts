import type { CloseCode } from '../../protocol/close.ts';
import { Audience, type Epoch } from './audience.ts';
import { type BatchMember, type BatchSeat, type HeldPoint, positionOf } from './batch-member.ts';
import { encodeBatch, encodeProgress, encodeStatus, encodeSubscribed } from './batch-message.ts';
import type { BatchViewer } from './batch-viewer.ts';
import { GoneGrace } from './gone-grace.ts';
import { Group, type Missing, type Step } from './group.ts';
import type { Behind } from './member.ts';
import type { OutboxLimits } from './outbox.ts';
import { type First, Owned, sizeOf } from './owned.ts';
import { Pace } from './pace.ts';
import type { Position } from './position.ts';
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

/** Why a subscription cannot begin just now. */
export type Refused = 'hydrating' | 'ahead';

/**
 * The views that some viewers watch under the same filters at the same pace. A batch is encoded
 * and published once, however many they are.
 */
export class BatchChannel {
  readonly #views: readonly LiveView[];
  readonly #parts: BatchChannelParts;
  readonly #unwatch: readonly (() => void)[];
  readonly #audience: Audience;
  /** A name for metrics that viewers cannot make up. */
  readonly #label: string;
  readonly #pace: Pace;
  readonly #grace = new GoneGrace();
  #number: number;
  /** Null while the views are not all of one database. */
  #epoch: Epoch | null = null;
  #deferred = false;
  #stale = false;

  constructor(views: readonly LiveView[], everyMs: number, parts: BatchChannelParts) {
    this.#views = views;
    this.#parts = parts;
    this.#pace = new Pace(everyMs);
    this.#number = parts.nextNumber();
    this.#label = views.length === 1 ? (views[0]?.name ?? '') : 'several views';
    this.#audience = this.#makeAudience();
    this.#unwatch = views.map((view) =>
      view.watch({
        batch: ({ changes }) => {
          this.#epoch?.group.add(view, changes);
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
    return this.#audience.size;
  }

  /** The viewers that lag. */
  behind(): readonly Behind[] {
    return this.#audience.behind();
  }

  /** Seats a viewer and sends `subscribed` and its first batch, or says why not. */
  join(member: BatchMember, id: string, from: HeldPoint | undefined): BatchSeat | Refused {
    if (this.#epoch === null) return 'hydrating';
    const { group, owned } = this.#epoch;
    // Nobody holds the position yet: it may as well be the newest.
    if (this.#audience.size === 0) group.advance(this.#parts.nowMs());
    const missing = this.#missingOf(group, from);
    if (missing?.kind === 'ahead') return 'ahead';
    const viewer = this.#audience.add(member, id);
    this.#welcome(viewer, group, owned.first(from, missing));
    return viewer;
  }

  /** Call a few times a second: stragglers, progress, and viewers that stay behind. */
  tick(): void {
    const nowMs = this.#parts.nowMs();
    if (this.#grace.isOver(nowMs)) {
      this.#endAll();
      return;
    }
    this.#emit();
    if (this.#pace.isProofDue(nowMs, this.#epoch?.group.hasPending ?? false)) this.#prove();
    for (const viewer of this.#audience.all()) this.#audience.look(viewer);
    this.#audience.lookWaiting();
  }

  /** Ends the channel; with a reason the viewers' connections too, else their subscriptions. */
  close(reason: CloseCode | null): void {
    for (const unwatch of this.#unwatch) unwatch();
    if (reason === null) this.#endAll();
    else for (const viewer of this.#audience.all()) this.#audience.expel(viewer, reason);
  }

  #makeAudience(): Audience {
    const channel = this;
    const stage = {
      get number() {
        return channel.#number;
      },
      get topic() {
        return channel.#topic;
      },
      get epoch() {
        return channel.#epoch;
      },
      get stale() {
        return channel.#stale;
      },
    };
    const { limits, nowMs, observer } = this.#parts;
    return new Audience(stage, limits, nowMs, ({ kind }, bytes) =>
      observer.caughtUp(this.#label, kind, bytes),
    );
  }

  get #topic(): string {
    return `channel ${this.#number}`;
  }

  /**
   * Starts over: perhaps all views have rows now, or one of them another epoch. When the upstream
   * becomes another database its views move one by one; until the last of them has, viewers keep
   * what they hold: rows of two databases are never shown together.
   */
  #begin(): void {
    const [first] = this.#views;
    const ready = this.#views.every(
      ({ frontier, identity }) => frontier !== null && identity === first?.identity,
    );
    if (!ready) {
      this.#epoch = null;
      return;
    }
    const nowMs = this.#parts.nowMs();
    if (this.#audience.size > 0) {
      this.#audience.restart(this.#topic);
      // The number names what was sent under the epoch before: the viewers move to another channel.
      this.#number = this.#parts.nextNumber();
      this.#pace.restart(nowMs);
    }
    const group = new Group(this.#views, nowMs);
    const owned = new Owned(group, this.#number);
    this.#epoch = { group, owned };
    for (const viewer of this.#audience.all()) {
      this.#welcome(viewer, group, { own: owned.snapshot(), reason: 'epoch' });
    }
  }

  /** What a viewer of that point lacks; null when it names no point of this epoch. */
  #missingOf(group: Group, from: HeldPoint | undefined): Missing | null {
    if (from === undefined || from.epoch !== group.epoch) return null;
    // No batch starts at the end, but a snapshot may stand there.
    if (from.timestamp === 'end') {
      return { kind: group.position.frontier === 'end' ? 'expired' : 'ahead' };
    }
    const held = positionOf(from);
    const missing = group.since(held);
    if (missing.kind !== 'ahead' || !group.reaches(held)) return missing;
    // A proof of quiet, or another server, has told it more: tell the others here, too.
    this.#emit();
    if (!group.hasPending) this.#prove();
    return group.since(held);
  }

  #welcome(viewer: BatchViewer, group: Group, { own, reason }: First): void {
    viewer.member.send(
      encodeSubscribed({
        id: viewer.id,
        channel: this.#number,
        epoch: group.epoch,
        columns: Object.fromEntries(this.#views.map(({ name, columns }) => [name, columns])),
        resumed: own.kind,
        ...(reason === undefined ? {} : { reason }),
      }),
    );
    // A channel is live until it says otherwise.
    viewer.toldStale = this.#stale;
    if (this.#stale) viewer.member.send(encodeStatus(this.#number, 'stale'));
    this.#audience.sendOwn(viewer, own);
    this.#pace.listened(this.#parts.nowMs());
  }

  /** All that a turn brings, or `everyMs`, goes out as one batch. */
  #emitSoon(): void {
    if (this.#deferred || this.#audience.size === 0) return;
    this.#deferred = true;
    this.#parts.after(this.#pace.waitMs(this.#parts.nowMs()), () => {
      this.#deferred = false;
      this.#emit();
      this.#audience.lookWaiting();
    });
  }

  #emit(): void {
    const group = this.#epoch?.group;
    const nowMs = this.#parts.nowMs();
    if (!group?.hasPending || this.#pace.waitMs(nowMs) > 0) return;
    this.#audience.beforeStep();
    const step = group.advance(nowMs);
    if (step !== null) this.#publishStep(step);
  }

  #publishStep({ lower, upper, changes }: Step): void {
    this.#pace.sent(this.#parts.nowMs());
    if (this.#audience.size === 0) return;
    const channel = this.#number;
    this.#publish(encodeBatch({ channel, lower: lower.frontier, upper, changes }), upper);
  }

  /**
   * This is the hash of what is held; and where nothing is pending, nothing has changed since the
   * last batch, up to now.
   */
  #prove(): void {
    if (this.#epoch === null || this.#audience.size === 0) return;
    const { group } = this.#epoch;
    const nowMs = this.#parts.nowMs();
    this.#audience.beforeStep();
    const step = group.hasPending ? null : group.advance(nowMs);
    // What came and went again is pending no more, but stands at the times between.
    if (step !== null && step.changes.size > 0) {
      this.#publishStep(step);
      return;
    }
    this.#publish([encodeProgress(this.#number, group.position, group.hashes())], group.position);
    this.#pace.proved(nowMs);
  }

  #publish(messages: readonly Uint8Array[], upper: Position): void {
    for (const bytes of messages) this.#parts.publish(this.#topic, bytes);
    const bytes = sizeOf(messages);
    this.#audience.published(upper.frontier, bytes);
    this.#parts.observer.published(this.#label, bytes, this.#audience.size, upper.frontier);
  }

  #watchState(): void {
    const gone = this.#views.some(({ state }) => state === 'gone');
    this.#grace.note(gone, this.#parts.nowMs());
    const stale = this.#views.some(({ state }) => state === 'stale');
    if (stale === this.#stale) return;
    this.#stale = stale;
    this.#parts.publish(this.#topic, encodeStatus(this.#number, stale ? 'stale' : 'live'));
    this.#audience.toldStatus(stale);
  }

  #endAll(): void {
    for (const viewer of this.#audience.all()) {
      this.#audience.remove(viewer);
      viewer.member.ended();
    }
  }
}
