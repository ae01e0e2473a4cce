import type { CloseCode } from '../../protocol/close.ts';
import type { ErrorCode, ResumePoint, Subscribe, ViewRequest } from '../../protocol/message.ts';
import type { Frontier } from '../../protocol/update.ts';
import type { Connection, SessionMember, SessionParts, SessionSeat } from './session-parts.ts';

/** A position that this server has not reached yet, or a view without rows, is waited for. */
const PATIENCE_MS = 5_000;
const RETRY_MS = 1_000;
const LOOK_MS = 50;

/** What a subscription asks of its session. */
export interface SubscriptionHost {
  readonly parts: SessionParts;
  readonly connection: Connection;
  /** What is asked for with what the token forces, or why it may not be shown. */
  permitted(views: readonly ViewRequest[]): readonly ViewRequest[] | string;
  /** Whether another subscription of this connection watches the channel. */
  watches(channel: number): boolean;
  /** Ends the subscription, and says why. */
  drop(id: string, code: ErrorCode, message: string, retryMs?: number): void;
}

/** One subscription: waiting for its channel, or seated there as the session's member. */
export class SessionSubscription implements SessionMember {
  readonly id: string;
  readonly #host: SubscriptionHost;
  readonly #views: readonly ViewRequest[];
  readonly #everyMs: number;
  /** Where it wants to go on; forgotten when it is seated. */
  #from: ResumePoint | undefined;
  /** What was asked for, with the filters that the token forces; null before it is seated. */
  #shown: readonly ViewRequest[] | null = null;
  #seat: SessionSeat | null = null;
  #over = false;
  /** Calls off the next attempt while waiting. */
  #stopWaiting: (() => void) | null = null;
  /** Gives up the place among those who are sent what they lack. */
  #leavePlace: (() => void) | null = null;
  /** To be called when it is seated, or has ended. */
  #decided: (() => void)[] | null = null;

  constructor(host: SubscriptionHost, { id, views, everyMs, from }: Subscribe) {
    this.id = id;
    this.#host = host;
    this.#views = views;
    this.#everyMs = everyMs ?? 0;
    this.#from = from;
  }

  /** The channel it watches; null before it is seated. */
  get channel(): number | null {
    return this.#seat?.channel ?? null;
  }

  /** Joins its channel, at once or later, or is dropped. */
  begin(): void {
    this.#takePlace(this.#host.parts.nowMs() + PATIENCE_MS);
  }

  /** Ends it. To be called once, when the session knows it no more. */
  end(): void {
    this.#over = true;
    this.#stopWaiting?.();
    this.#leave();
    this.#seat?.leave();
    this.#decide();
  }

  /** Whether `permits` allows everything that is shown. */
  stays(permits: (asked: ViewRequest, shown: ViewRequest | undefined) => boolean): boolean {
    const shown = this.#shown;
    return shown === null || this.#views.every((asked, at) => permits(asked, shown[at]));
  }

  acknowledged(upper: Frontier): void {
    this.#seat?.acknowledged(upper);
  }

  /** The connection took bytes. */
  drained(): void {
    this.#seat?.drained();
    this.#sent();
  }

  /** Runs when all up to the frontier has been sent, or it has ended. */
  afterShown(frontier: Frontier, run: () => void): void {
    if (this.#seat !== null) this.#seat.whenShown(frontier, run);
    else if (this.#over) run();
    else {
      this.#decided ??= [];
      this.#decided.push(() => this.afterShown(frontier, run));
    }
  }

  send(bytes: Uint8Array): void {
    this.#host.connection.send(bytes);
  }

  bufferedBytes(): number {
    return this.#host.connection.bufferedBytes();
  }

  enter(topic: string): void {
    this.#host.connection.enter(topic);
  }

  leave(topic: string): void {
    this.#host.connection.leave(topic);
  }

  close(reason: CloseCode): void {
    this.#host.connection.close(reason);
  }

  ended(): void {
    this.#drop('view_gone', 'the view was dropped', RETRY_MS);
  }

  /** Joins when it is its turn to be sent what it lacks. */
  #takePlace(untilMs: number): void {
    const withdraw = this.#host.parts.takePlace(this.#from !== undefined, {
      admitted: (leave) => {
        this.#leavePlace = leave;
        this.#join(untilMs);
        this.#sent();
      },
      refused: (retryMs) =>
        this.#drop('overloaded', 'more viewers came at once than the server takes', retryMs),
    });
    // Who has been let in has left or keeps its place; all others wait, and may withdraw.
    if (this.#over) withdraw();
    else if (this.#seat === null && this.#stopWaiting === null) this.#leavePlace = withdraw;
  }

  /** The place is another's as soon as it has been sent what it lacked. */
  #sent(): void {
    if (this.#seat?.catchingUp !== true) this.#leave();
  }

  #leave(): void {
    this.#leavePlace?.();
    this.#leavePlace = null;
  }

  #join(untilMs: number): void {
    const { parts } = this.#host;
    const shown = this.#host.permitted(this.#views);
    if (typeof shown === 'string') {
      this.#drop('forbidden', shown);
      return;
    }
    const channel = parts.source.get(shown, this.#everyMs);
    if ('code' in channel) {
      if (channel.code === 'unavailable') this.#waitOrDrop(untilMs, channel.message);
      else this.#drop(channel.code, channel.message);
      return;
    }
    if (this.#host.watches(channel.number)) {
      this.#drop('duplicate', 'this connection watches the same under another id');
      return;
    }
    const seat = channel.join(this, this.id, this.#from);
    if (typeof seat !== 'string') {
      this.#seated(seat, shown);
      return;
    }
    const message =
      seat === 'ahead'
        ? 'this server has not come as far as the timestamp asked from'
        : 'the views are being read for the first time';
    this.#waitOrDrop(untilMs, message);
  }

  /** Looks again in a while; when that was long enough, the viewer is to ask again. */
  #waitOrDrop(untilMs: number, message: string): void {
    const { parts } = this.#host;
    if (parts.nowMs() >= untilMs) {
      this.#drop('unavailable', message, RETRY_MS);
      return;
    }
    this.#stopWaiting = parts.after(LOOK_MS, () => {
      this.#stopWaiting = null;
      this.#takePlace(untilMs);
    });
  }

  #seated(seat: SessionSeat, shown: readonly ViewRequest[]): void {
    this.#seat = seat;
    this.#shown = shown;
    this.#from = undefined;
    // What it was sent may have ended it.
    if (this.#over) seat.leave();
    this.#decide();
  }

  /** It is known what becomes of it. */
  #decide(): void {
    const decided = this.#decided ?? [];
    this.#decided = null;
    for (const run of decided) run();
  }

  #drop(code: ErrorCode, message: string, retryMs?: number): void {
    this.#host.drop(this.id, code, message, retryMs);
  }
}
