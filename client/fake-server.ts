import { parseClientMessage } from '../protocol/client-message.ts';
import { CLOSE, type CloseCode, closeReason } from '../protocol/close.ts';
import { hashOf } from '../protocol/hash.ts';
import type { ErrorMessage, Limits, ServerMessage, Subscribe } from '../protocol/message.ts';
import type { Changes, Column, RowText, Timestamp } from '../protocol/update.ts';
import { RateLimit } from '../server/rate-limit.ts';
import { batchMessages } from './fake-batch.ts';
import type { FakeClock } from './fake-clock.ts';
import { FakeView } from './fake-view.ts';
import type { Socket, SocketListener } from './web-socket.ts';

/** What may happen to a text on its way to a viewer: what arrives instead of it. */
export type Fault = (text: string) => readonly string[];

/** A channel of one connection. */
interface Member {
  readonly request: Subscribe;
  readonly channel: number;
  sent: Timestamp;
}

interface Connection {
  readonly listener: SocketListener;
  readonly members: Map<string, Member>;
  readonly heard: string[];
  open: boolean;
  /** Of the rate it may speak at. */
  used: number;
}

/**
 * A server for tests that speaks the protocol over plain objects and remembers every state it was
 * in, so that it can say what is right at any timestamp. All views move together.
 */
export class FakeServer {
  views: ReadonlyMap<string, FakeView> = new Map();
  /** Everything that was said to the server, by connection, as text. */
  readonly connections: Connection[] = [];
  /** Applied to each text that is sent. */
  fault: Fault = (text) => [text];
  /** Batches of more changes travel in parts. */
  partRows = 3;
  /** Whether a handshake succeeds. */
  reachable = true;
  /** Whether `auth` must come first, and how long a token holds. */
  token: { readonly value: string; readonly expiresInMs: number } | null = null;
  /** Whether submitted messages are answered. */
  answering = true;
  /** What they are refused with. */
  refusal: Pick<ErrorMessage, 'code' | 'message' | 'retryMs'> | null = null;
  /** What one connection may say. */
  limits: Limits = {
    messageBytes: 16_384,
    jsonDepth: 8,
    subscriptions: 100,
    messagesPerSecond: 20,
    messageBurst: 40,
    unacknowledgedBytes: 262_144,
    laggingMs: 60_000,
  };
  time: Timestamp = 1_000_000;
  readonly #past: ReadonlyMap<string, FakeView>[] = [];
  #clock: FakeClock;
  #columns: Readonly<Record<string, readonly Column[]>>;
  #epoch = 1;
  #channels = new Map<string, number>();

  constructor(clock: FakeClock, columns: Readonly<Record<string, readonly Column[]>>) {
    this.#clock = clock;
    this.#columns = columns;
    this.#begin();
  }

  get epoch(): string {
    return `epoch${this.#epoch}`;
  }

  /** As `Environment.open`. Every hop takes a millisecond. */
  open(listener: SocketListener): Socket {
    const connection: Connection = { listener, members: new Map(), heard: [], open: true, used: 0 };
    this.connections.push(connection);
    this.#clock.after(1, () => {
      if (!connection.open) return;
      if (!this.reachable) this.#end(connection, 1006, '');
      else {
        listener.opened();
        this.#hello(connection);
      }
    });
    return {
      send: (text) => {
        connection.heard.push(text);
        this.#clock.after(1, () => {
          if (connection.open) this.#hear(connection, text);
        });
      },
      close: () => {
        connection.open = false;
      },
    };
  }

  /** Moves all views by `ms`, each by its changes, and tells all members. */
  move(ms: number, changes: Readonly<Record<string, Changes>>): void {
    this.time += ms;
    for (const [name, view] of this.views) view.move(this.time, changes[name] ?? new Map());
    for (const { connection, member } of this.#members()) {
      this.#batch(connection, member, member.sent);
    }
  }

  /** Time passes quietly, and is proved to. */
  prove(ms: number): void {
    this.time += ms;
    for (const view of this.views.values()) view.move(this.time, new Map());
    for (const { connection, member } of this.#members()) this.#progress(connection, member);
  }

  /** Says whether the upstream is there. */
  status(state: 'live' | 'stale'): void {
    for (const { connection, member } of this.#members()) {
      this.#send(connection, { type: 'status', channel: member.channel, state });
    }
  }

  /** All views are made anew: timestamps mean something else from here on. */
  renew(): void {
    this.#epoch += 1;
    // Back in time, and yet no timestamp is used twice: the past can be asked for by it.
    this.time = Math.floor(1_000_000 / this.#epoch);
    this.#begin();
    for (const { connection, member } of this.#members()) {
      this.#subscribed(connection, member.request);
    }
  }

  /** What was held at a timestamp of an epoch before can no longer be continued. */
  forget(): void {
    for (const view of this.views.values()) view.forget();
  }

  /** Ends all connections. */
  cut(close?: CloseCode, retryMs?: number): void {
    for (const connection of this.connections) {
      if (close === undefined) this.#end(connection, 1006, '');
      else this.#end(connection, close.code, closeReason(close, retryMs));
    }
  }

  /** Says something to the last connection. */
  say(message: ServerMessage): void {
    const connection = this.connections.at(-1);
    if (connection !== undefined) this.#send(connection, message);
  }

  /** What the client said on its last connection. */
  heard(): readonly unknown[] {
    return (this.connections.at(-1)?.heard ?? []).map((text): unknown => JSON.parse(text));
  }

  /** The rows of a view now. */
  rows(view: string, where?: Subscribe['views'][number]['where']): ReadonlyMap<RowText, number> {
    return this.views.get(view)?.at(this.time, where) ?? new Map();
  }

  /** What a view was at a timestamp, in whichever epoch had it. */
  truth(
    view: string,
    time: Timestamp,
    where?: Subscribe['views'][number]['where'],
  ): ReadonlyMap<RowText, number> | undefined {
    for (const views of this.#past) {
      const rows = views.get(view)?.at(time, where);
      if (rows !== undefined) return rows;
    }
    return undefined;
  }

  *#members(): IterableIterator<{ connection: Connection; member: Member }> {
    for (const connection of this.connections) {
      if (!connection.open) continue;
      for (const member of [...connection.members.values()]) yield { connection, member };
    }
  }

  #begin(): void {
    const entries = Object.entries(this.#columns);
    this.views = new Map(
      entries.map(([name, columns]) => [name, new FakeView(columns, this.time)] as const),
    );
    this.#past.push(this.views);
  }

  #hello(connection: Connection): void {
    this.#send(connection, {
      type: 'hello',
      protocol: 1,
      schema: 'fake',
      auth: this.token === null ? 'none' : 'required',
      quietMs: 15_000,
      limits: this.limits,
    });
  }

  #hear(connection: Connection, text: string): void {
    const { messagesPerSecond, messageBurst } = this.limits;
    const rate = new RateLimit(messagesPerSecond, messageBurst);
    const message = parseClientMessage(text);
    const used = message.type === 'ack' ? 0 : rate.take(connection.used, this.#clock.now);
    if (used === null) {
      this.#end(connection, CLOSE.rate.code, closeReason(CLOSE.rate));
      return;
    }
    connection.used = Math.max(connection.used, used);
    switch (message.type) {
      case 'subscribe':
        this.#subscribed(connection, message);
        break;
      case 'unsubscribe':
        connection.members.delete(message.id);
        break;
      case 'submit':
        if (!this.answering) break;
        if (this.refusal !== null) {
          this.#send(connection, { type: 'error', id: message.id, ...this.refusal });
          break;
        }
        this.#send(connection, { type: 'accepted', id: message.id });
        this.#send(connection, { type: 'archived', id: message.id, timestamp: this.time });
        break;
      case 'auth':
        if (message.token !== this.token?.value) {
          const error = { type: 'error', code: 'forbidden', message: 'the token expired' } as const;
          connection.listener.message(JSON.stringify(error));
          this.#end(connection, CLOSE.authExpired.code, closeReason(CLOSE.authExpired));
        } else {
          const { expiresInMs } = this.token;
          this.#send(connection, { type: 'authorized', expiresInMs });
        }
        break;
      case 'ack':
        break;
    }
  }

  #subscribed(connection: Connection, request: Subscribe): void {
    const { id, views, from } = request;
    if (views.some(({ view }) => !this.views.has(view))) {
      this.#send(connection, { type: 'error', id, code: 'unknown_view', message: 'no such view' });
      return;
    }
    const resumed = from !== undefined && this.#remembers(request);
    const member: Member = { request, channel: this.#channel(request), sent: this.time };
    connection.members.set(id, member);
    const columns = views.map(({ view }) => [view, this.#columns[view] ?? []] as const);
    this.#send(connection, {
      type: 'subscribed',
      id,
      channel: member.channel,
      epoch: this.epoch,
      columns: Object.fromEntries(columns),
      resumed: resumed ? 'batch' : 'snapshot',
    });
    const lower = resumed && from.timestamp !== 'end' ? from.timestamp : null;
    this.#batch(connection, member, lower);
  }

  #remembers({ views, from }: Subscribe): boolean {
    const { epoch, timestamp } = from ?? {};
    if (epoch !== this.epoch || timestamp === undefined || timestamp === 'end') return false;
    return views.every(({ view }) => this.views.get(view)?.remembers(timestamp));
  }

  #channel(request: Subscribe): number {
    const key = JSON.stringify([this.#epoch, request.views, request.everyMs]);
    const channel = this.#channels.get(key) ?? this.#channels.size;
    this.#channels.set(key, channel);
    return channel;
  }

  #batch(connection: Connection, member: Member, lower: Timestamp | null): void {
    const { views, partRows, time: upper } = this;
    const { channel, request } = member;
    const batch = { channel, lower, upper, requests: request.views, views, partRows };
    for (const message of batchMessages(batch)) this.#send(connection, message);
    member.sent = upper;
  }

  #progress(connection: Connection, member: Member): void {
    const hash = member.request.views.map(
      ({ view, where }) => [view, hashOf(this.rows(view, where))] as const,
    );
    const { channel } = member;
    const upper = this.time;
    member.sent = upper;
    this.#send(connection, { type: 'progress', channel, upper, hash: Object.fromEntries(hash) });
  }

  #send(connection: Connection, message: ServerMessage): void {
    for (const text of this.fault(JSON.stringify(message))) {
      this.#clock.after(1, () => {
        if (connection.open) connection.listener.message(text);
      });
    }
  }

  #end(connection: Connection, code: number, reason: string): void {
    if (!connection.open) return;
    connection.open = false;
    connection.listener.closed(code, reason);
  }
}
