import { parseClientMessage } from '../../protocol/client-message.ts';
import { CLOSE } from '../../protocol/close.ts';
import {
  type Ack,
  type ClientMessage,
  type ErrorCode,
  PROTOCOL_VERSION,
  SCHEMA_HASH,
  type ServerMessage,
  type Submit,
  type Subscribe,
  type ViewRequest,
} from '../../protocol/message.ts';
import { MessageError } from '../../protocol/message-error.ts';
import type { Frontier } from '../../protocol/update.ts';
import { RateLimit } from '../rate-limit.ts';
import type {
  Connection,
  Guard,
  SessionMember,
  SessionParts,
  SessionSeat,
} from './session-parts.ts';
import { SessionSubmissions } from './session-submissions.ts';

/** Acknowledgements are cheap and not counted as messages. */
const ACKS_PER_SECOND = 200;
/** A position that this server has not reached yet, or a view without rows, is waited for. */
const PATIENCE_MS = 5_000;
const RETRY_MS = 1_000;
const LOOK_MS = 50;

/** One subscription: waiting for its channel, or seated. */
interface Subscription {
  readonly request: Subscribe;
  /** What was asked for, with the filters that the token forces; null before it is seated. */
  shown: readonly ViewRequest[] | null;
  seat: SessionSeat | null;
  /** Calls off the next attempt while waiting. */
  stopWaiting: () => void;
  /** Gives up the place among those who are sent what they lack. */
  leavePlace: () => void;
  /** To be called when it is seated, or has ended. */
  readonly decided: (() => void)[];
}

/**
 * One connection of `ws /api/v1` (PROTOCOL.md). Whatever comes, only this connection suffers: a
 * message that breaks the protocol closes it.
 */
export class Session {
  readonly #parts: SessionParts;
  readonly #connection: Connection;
  readonly #subscriptions = new Map<string, Subscription>();
  /** Made with the first message: most connections never submit one. */
  #submissions: SessionSubmissions | null = null;
  readonly #rate: RateLimit;
  readonly #ackRate: RateLimit;
  readonly #guard: Guard;
  #open = true;

  constructor(parts: SessionParts, connection: Connection) {
    this.#parts = parts;
    this.#connection = connection;
    const { messagesPerSecond, messageBurst } = parts.limits;
    this.#rate = new RateLimit(messagesPerSecond, messageBurst, parts.nowMs());
    this.#ackRate = new RateLimit(ACKS_PER_SECOND, 2 * ACKS_PER_SECOND, parts.nowMs());
    this.#guard = parts.guard({
      authorized: (expiresInMs) => this.#authorized(expiresInMs),
      unavailable: (message, retryMs) =>
        this.#say({ type: 'error', code: 'unavailable', message, retryMs }),
      close: (reason) => connection.close(reason),
    });
  }

  /** The connection stands: the server speaks first. */
  opened(): void {
    this.#say({
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      schema: SCHEMA_HASH,
      auth: this.#guard.required ? 'required' : 'none',
      quietMs: this.#parts.quietMs,
      limits: this.#parts.limits,
    });
  }

  /** A message came: its text, or null when it was binary; and its length in bytes. */
  message(text: string | null, bytes: number): void {
    if (!this.#open) return;
    if (bytes > this.#parts.limits.messageBytes) {
      this.#connection.close(CLOSE.tooLarge);
      return;
    }
    const message = this.#parse(text);
    if (message === null) return;
    const rate = message.type === 'ack' ? this.#ackRate : this.#rate;
    if (rate.take(this.#parts.nowMs())) this.#receive(message, bytes);
    else this.#connection.close(CLOSE.rate);
  }

  /** The connection took bytes. */
  drained(): void {
    for (const subscription of [...this.#subscriptions.values()]) {
      subscription.seat?.drained();
      this.#sent(subscription);
    }
  }

  /** The connection is over. */
  closed(): void {
    this.#open = false;
    this.#guard.stop();
    for (const id of [...this.#subscriptions.keys()]) this.#end(id);
    this.#submissions?.stop();
  }

  #parse(text: string | null): ClientMessage | null {
    try {
      if (text === null) throw new MessageError('', 'expected text, got a binary message');
      return parseClientMessage(text);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.#say({ type: 'error', code: 'bad_message', message: error.message });
      this.#connection.close(CLOSE.badMessage);
      return null;
    }
  }

  /** With a token that holds a message is handled; without one nothing is but `auth`. */
  #receive(message: ClientMessage, bytes: number): void {
    if (message.type === 'auth') {
      this.#guard.present(message.token);
      return;
    }
    const outcome = this.#guard.pass(bytes, () => this.#handle(message));
    if (outcome !== 'refused') return;
    if (message.type === 'subscribe' || message.type === 'submit') {
      this.#refuse(message.id, 'forbidden', 'a token must come first');
    }
  }

  /** The token holds. What it does not permit any more, or not with the same rows, ends. */
  #authorized(expiresInMs: number | null): void {
    this.#say({ type: 'authorized', expiresInMs });
    for (const [id, { request, shown }] of [...this.#subscriptions]) {
      const permitted = request.views.every(({ view, where }, at) =>
        shown === null ? true : this.#guard.stillPermits(view, where, shown[at]?.where),
      );
      if (!permitted) this.#drop(id, 'forbidden', 'the new token does not allow these rows');
    }
  }

  #handle(message: Exclude<ClientMessage, { readonly type: 'auth' }>): void {
    switch (message.type) {
      case 'subscribe':
        this.#subscribe(message);
        break;
      case 'unsubscribe':
        this.#end(message.id);
        break;
      case 'ack':
        this.#acknowledge(message);
        break;
      case 'submit':
        this.#submit(message);
    }
  }

  #submit(message: Submit): void {
    const { id, topic } = message;
    if (this.#subscriptions.has(id)) {
      this.#drop(id, 'id_in_use', `a subscription was open under ${id}; it has ended`);
      return;
    }
    if (!this.#guard.permitsTopic(topic)) {
      this.#refuse(id, 'forbidden', `the token does not allow messages to ${topic}`);
      return;
    }
    this.#submissions ??= new SessionSubmissions({
      submit: this.#parts.submit,
      address: this.#connection.address,
      say: (said) => this.#say(said),
      refuse: (...refusal) => this.#refuse(...refusal),
      afterShown: (frontier, run) => this.#afterShown(frontier, run),
    });
    this.#submissions.submit(message);
  }

  /** Runs when each subscription there is now has been sent all up to the frontier, or has ended. */
  #afterShown(frontier: Frontier, run: () => void): void {
    let left = 1;
    const shown = (): void => {
      left -= 1;
      if (left === 0) run();
    };
    for (const subscription of [...this.#subscriptions.values()]) {
      left += 1;
      const wait = (): void => {
        if (subscription.seat === null) shown();
        else subscription.seat.whenShown(frontier, shown);
      };
      if (subscription.seat === null) subscription.decided.push(wait);
      else wait();
    }
    shown();
  }

  #subscribe(request: Subscribe): void {
    const { id } = request;
    if (this.#submissions?.end(id)) {
      this.#refuse(id, 'id_in_use', `a message was on its way under ${id}; submit it again`);
      return;
    }
    if (this.#subscriptions.has(id)) {
      // An error with an id ends what the id names: both sides then know of nothing under it.
      this.#end(id);
      this.#refuse(id, 'id_in_use', `a subscription was open under ${id}; both have ended`);
      return;
    }
    if (this.#subscriptions.size >= this.#parts.limits.subscriptions) {
      const most = this.#parts.limits.subscriptions;
      this.#refuse(id, 'too_many_subscriptions', `a connection has ${most} of them at most`);
      return;
    }
    const subscription: Subscription = {
      request,
      shown: null,
      seat: null,
      stopWaiting: () => {},
      leavePlace: () => {},
      decided: [],
    };
    this.#subscriptions.set(id, subscription);
    this.#takePlace(subscription, this.#parts.nowMs() + PATIENCE_MS);
  }

  /** Joins when it is this subscription's turn to be sent what it lacks. */
  #takePlace(subscription: Subscription, untilMs: number): void {
    const { id, from } = subscription.request;
    const withdraw = this.#parts.takePlace(from !== undefined, {
      admitted: (leave) => {
        subscription.leavePlace = leave;
        this.#join(subscription, untilMs);
        this.#sent(subscription);
      },
      refused: (retryMs) =>
        this.#drop(id, 'overloaded', 'more viewers came at once than the server takes', retryMs),
    });
    // Who has been let in has left or keeps its place; all others wait, and may withdraw.
    if (this.#subscriptions.get(id) === subscription) subscription.leavePlace = withdraw;
    else withdraw();
  }

  /** The place is another's as soon as this subscription has been sent what it lacked. */
  #sent(subscription: Subscription): void {
    if (subscription.seat?.catchingUp !== true) subscription.leavePlace();
  }

  /** What is asked for with what the token forces, or why it may not be shown. */
  #permitted(views: readonly ViewRequest[]): readonly ViewRequest[] | string {
    const shown: ViewRequest[] = [];
    for (const { view, where: asked } of views) {
      const permission = this.#guard.permits(view, asked);
      if (permission.kind === 'denied') return permission.reason;
      const { where } = permission;
      shown.push(where === undefined ? { view } : { view, where });
    }
    return shown;
  }

  #join(subscription: Subscription, untilMs: number): void {
    const { id, views, everyMs, from } = subscription.request;
    const shown = this.#permitted(views);
    if (typeof shown === 'string') {
      this.#drop(id, 'forbidden', shown);
      return;
    }
    const channel = this.#parts.source.get(shown, everyMs ?? 0);
    if ('code' in channel) {
      this.#drop(id, channel.code, channel.message);
      return;
    }
    if (this.#seated(channel.number)) {
      this.#drop(id, 'duplicate', 'this connection watches the same under another id');
      return;
    }
    const seat = channel.join(this.#memberOf(id), id, from);
    if (typeof seat !== 'string') {
      subscription.seat = seat;
      subscription.shown = shown;
      // What it was sent may have ended it.
      if (this.#subscriptions.get(id) !== subscription) seat.leave();
      decide(subscription);
      return;
    }
    if (this.#parts.nowMs() < untilMs) {
      const again = () => this.#takePlace(subscription, untilMs);
      subscription.stopWaiting = this.#parts.after(LOOK_MS, again);
      return;
    }
    const message =
      seat === 'ahead'
        ? 'this server has not come as far as the timestamp asked from'
        : 'the views are being read for the first time';
    this.#drop(id, 'unavailable', message, RETRY_MS);
  }

  #seated(channel: number): boolean {
    return [...this.#subscriptions.values()].some(({ seat }) => seat?.channel === channel);
  }

  #memberOf(id: string): SessionMember {
    const connection = this.#connection;
    return {
      send: (bytes) => connection.send(bytes),
      bufferedBytes: () => connection.bufferedBytes(),
      enter: (topic) => connection.enter(topic),
      leave: (topic) => connection.leave(topic),
      ended: () => this.#drop(id, 'view_gone', 'the view was dropped', RETRY_MS),
      close: (reason) => connection.close(reason),
    };
  }

  #acknowledge({ channel, upper }: Ack): void {
    for (const { seat } of [...this.#subscriptions.values()]) {
      if (seat?.channel === channel) seat.acknowledged(upper);
    }
  }

  /** Ends a subscription, and says why. */
  #drop(id: string, code: ErrorCode, message: string, retryMs?: number): void {
    this.#end(id);
    this.#refuse(id, code, message, retryMs);
  }

  #end(id: string): void {
    const subscription = this.#subscriptions.get(id);
    this.#subscriptions.delete(id);
    subscription?.stopWaiting();
    subscription?.leavePlace();
    subscription?.seat?.leave();
    if (subscription !== undefined) decide(subscription);
  }

  #refuse(id: string, code: ErrorCode, message: string, retryMs?: number): void {
    const wait = retryMs === undefined ? {} : { retryMs };
    this.#say({ type: 'error', id, code, message, ...wait });
  }

  #say(message: ServerMessage): void {
    if (this.#open) this.#connection.send(JSON.stringify(message));
  }
}

/** It is known what becomes of the subscription. */
function decide({ decided }: Subscription): void {
  for (const run of decided.splice(0)) run();
}
