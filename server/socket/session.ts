import { parseClientMessage } from '../../protocol/client-message.ts';
import { CLOSE, type CloseCode } from '../../protocol/close.ts';
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
import type { Connection, Guard, GuardPort, SessionParts } from './session-parts.ts';
import { SessionSubmissions } from './session-submissions.ts';
import { SessionSubscription, type SubscriptionHost } from './session-subscription.ts';

/**
 * One connection of `ws /api/v1` (PROTOCOL.md). Whatever comes, only this connection suffers: a
 * message that breaks the protocol closes it.
 */
export class Session implements GuardPort, SubscriptionHost {
  readonly parts: SessionParts;
  readonly connection: Connection;
  /** One or a few as a rule: a map would cost an idle connection more than all else. */
  #subscriptions: readonly SessionSubscription[] = [];
  /** Made with the first message: most connections never submit one. */
  #submissions: SessionSubmissions | null = null;
  /** What it has used of the limits of messages and of acknowledgements. */
  #messagesUsed = 0;
  #acksUsed = 0;
  readonly #guard: Guard;
  #open = true;

  constructor(parts: SessionParts, connection: Connection) {
    this.parts = parts;
    this.connection = connection;
    this.#guard = parts.guard(this);
  }

  /** The connection stands: the server speaks first. */
  opened(): void {
    this.#say({
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      schema: SCHEMA_HASH,
      auth: this.#guard.required ? 'required' : 'none',
      quietMs: this.parts.quietMs,
      limits: this.parts.limits,
    });
  }

  /** A message came: its text, or null when it was binary; and its length in bytes. */
  message(text: string | null, bytes: number): void {
    if (!this.#open) return;
    if (bytes > this.parts.limits.messageBytes) {
      this.connection.close(CLOSE.tooLarge);
      return;
    }
    const message = this.#parse(text);
    if (message === null) return;
    if (this.#isWithinRate(message)) this.#receive(message, bytes);
    else this.connection.close(CLOSE.rate);
  }

  /** The connection took bytes. */
  drained(): void {
    for (const subscription of this.#subscriptions) subscription.drained();
  }

  /** The connection is over. */
  closed(): void {
    this.#open = false;
    this.#guard.stop();
    for (const { id } of this.#subscriptions) this.#end(id);
    this.#submissions?.stop();
  }

  /** The token holds. What it does not permit any more, or not with the same rows, ends. */
  authorized(expiresInMs: number | null): void {
    this.#say({ type: 'authorized', expiresInMs });
    for (const subscription of this.#subscriptions) {
      const permitted = subscription.stays(({ view, where }, shown) =>
        this.#guard.stillPermits(view, where, shown?.where),
      );
      if (permitted) continue;
      this.drop(subscription.id, 'forbidden', 'the new token does not allow these rows');
    }
  }

  unavailable(message: string, retryMs: number): void {
    this.#say({ type: 'error', code: 'unavailable', message, retryMs });
  }

  refused(message: string): void {
    this.#say({ type: 'error', code: 'forbidden', message });
  }

  close(reason: CloseCode): void {
    this.connection.close(reason);
  }

  permitted(views: readonly ViewRequest[]): readonly ViewRequest[] | string {
    const shown: ViewRequest[] = [];
    for (const asked of views) {
      const { view } = asked;
      const permission = this.#guard.permits(view, asked.where);
      if (permission.kind === 'denied') return permission.reason;
      const { where } = permission;
      shown.push(where === asked.where ? asked : { view, ...(where && { where }) });
    }
    return shown.every((one, at) => one === views[at]) ? views : shown;
  }

  watches(channel: number): boolean {
    return this.#subscriptions.some((one) => one.channel === channel);
  }

  drop(id: string, code: ErrorCode, message: string, retryMs?: number): void {
    this.#end(id);
    this.#refuse(id, code, message, retryMs);
  }

  #isWithinRate({ type }: ClientMessage): boolean {
    const { messageRate, ackRate, nowMs } = this.parts;
    if (type === 'ack') {
      const used = ackRate.take(this.#acksUsed, nowMs());
      this.#acksUsed = used ?? this.#acksUsed;
      return used !== null;
    }
    const used = messageRate.take(this.#messagesUsed, nowMs());
    this.#messagesUsed = used ?? this.#messagesUsed;
    return used !== null;
  }

  #parse(text: string | null): ClientMessage | null {
    try {
      if (text === null) throw new MessageError('', 'expected text, got a binary message');
      return parseClientMessage(text);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.#say({ type: 'error', code: 'bad_message', message: error.message });
      this.connection.close(CLOSE.badMessage);
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
    if (this.#find(id) !== undefined) {
      this.drop(id, 'id_in_use', `a subscription was open under ${id}; it has ended`);
      return;
    }
    if (!this.#guard.permitsTopic(topic)) {
      this.#refuse(id, 'forbidden', `the token does not allow messages to ${topic}`);
      return;
    }
    this.#submissions ??= new SessionSubmissions({
      submit: this.parts.submit,
      address: this.connection.address,
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
    for (const subscription of this.#subscriptions) {
      left += 1;
      subscription.afterShown(frontier, shown);
    }
    shown();
  }

  #subscribe(request: Subscribe): void {
    const { id } = request;
    if (this.#submissions?.end(id)) {
      this.#refuse(id, 'id_in_use', `a message was on its way under ${id}; submit it again`);
      return;
    }
    if (this.#find(id) !== undefined) {
      // An error with an id ends what the id names: both sides then know of nothing under it.
      this.#end(id);
      this.#refuse(id, 'id_in_use', `a subscription was open under ${id}; both have ended`);
      return;
    }
    if (this.#subscriptions.length >= this.parts.limits.subscriptions) {
      const most = this.parts.limits.subscriptions;
      this.#refuse(id, 'too_many_subscriptions', `a connection has ${most} of them at most`);
      return;
    }
    const subscription = new SessionSubscription(this, request);
    this.#subscriptions = [...this.#subscriptions, subscription];
    subscription.begin();
  }

  #acknowledge({ channel, upper }: Ack): void {
    for (const one of this.#subscriptions) if (one.channel === channel) one.acknowledged(upper);
  }

  #find(id: string): SessionSubscription | undefined {
    return this.#subscriptions.find((one) => one.id === id);
  }

  #end(id: string): void {
    const ended = this.#find(id);
    if (ended === undefined) return;
    this.#subscriptions = this.#subscriptions.filter((one) => one !== ended);
    ended.end();
  }

  #refuse(id: string, code: ErrorCode, message: string, retryMs?: number): void {
    const wait = retryMs === undefined ? {} : { retryMs };
    this.#say({ type: 'error', id, code, message, ...wait });
  }

  #say(message: ServerMessage): void {
    if (this.#open) this.connection.send(JSON.stringify(message));
  }
}
