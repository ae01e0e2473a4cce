import type { Seat, StreamMember } from './member.ts';
import type { OutboxState } from './outbox.ts';
import type { ResumeToken } from './resume-token.ts';

/** What a viewer's seat asks of its channel. */
export interface SeatHolder {
  heldBy(viewer: StreamViewer): ResumeToken | null;
  look(viewer: StreamViewer): void;
  remove(viewer: StreamViewer): void;
}

const waiting: OutboxState = { kind: 'waiting' };

/** A viewer of a channel, and its seat there. */
export class StreamViewer implements Seat {
  readonly member: StreamMember;
  /** Where it wants to go on; null when it named a position that cannot be read. */
  readonly from: ResumeToken | null | undefined;
  state: OutboxState = waiting;
  /** What it was last told of the upstream. */
  toldStale = false;
  readonly #channel: SeatHolder;

  constructor(channel: SeatHolder, member: StreamMember, from: ResumeToken | null | undefined) {
    this.#channel = channel;
    this.member = member;
    this.from = from;
  }

  get position(): ResumeToken | null {
    return this.#channel.heldBy(this);
  }

  drained(): void {
    this.#channel.look(this);
  }

  leave(): void {
    this.#channel.remove(this);
  }
}
