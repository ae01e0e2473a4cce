import type { Frontier } from '../../protocol/update.ts';
import type { BatchMember, BatchSeat } from './batch-member.ts';
import type { Position } from './position.ts';

/**
 * How a viewer stands to the channel.
 *
 *   new ──▶ hydrating ──last part sent──▶ live ──too much unacknowledged──▶ lagging
 *               ▲                                                              │
 *               └──────────────── acknowledged: one batch of its own ──────────┘
 *
 * A new viewer has not been told `subscribed` of the present epoch: an epoch that begins makes all
 * of them new. A live viewer is in the topic and holds the channel's position. Whoever stays
 * hydrating without a part being taken, or lagging, for `lagMs` is closed with 4008.
 */
export type ViewerState =
  | { readonly kind: 'new' }
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

/** The state of all who are live, and of all who are new. */
export const live: ViewerState = { kind: 'live' };
export const fresh: ViewerState = { kind: 'new' };

/** What a viewer's seat asks of its audience. */
export interface SeatHolder {
  readonly channel: number;
  acknowledged(viewer: BatchViewer, upper: Frontier): void;
  look(viewer: BatchViewer): void;
  whenShown(viewer: BatchViewer, frontier: Frontier, run: () => void): void;
  remove(viewer: BatchViewer): void;
}

/** One subscription in the audience of a channel, and its seat there. */
export class BatchViewer implements BatchSeat {
  readonly member: BatchMember;
  readonly id: string;
  state: ViewerState = fresh;
  /** What of the bytes published it has acknowledged, or was not sent. */
  ackedTotal: number;
  /** What it was last told of the upstream. */
  toldStale = false;
  readonly #audience: SeatHolder;

  constructor(audience: SeatHolder, member: BatchMember, id: string, ackedTotal: number) {
    this.#audience = audience;
    this.member = member;
    this.id = id;
    this.ackedTotal = ackedTotal;
  }

  get channel(): number {
    return this.#audience.channel;
  }

  get catchingUp(): boolean {
    return this.state.kind === 'hydrating' || this.state.kind === 'new';
  }

  acknowledged(upper: Frontier): void {
    this.#audience.acknowledged(this, upper);
  }

  drained(): void {
    this.#audience.look(this);
  }

  whenShown(frontier: Frontier, run: () => void): void {
    this.#audience.whenShown(this, frontier, run);
  }

  leave(): void {
    this.#audience.remove(this);
  }
}
