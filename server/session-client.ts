import { WebSocket } from 'ws';
import type { ClientMessage, ServerMessage } from '../protocol/message.ts';

/** A raw client of `ws /api/v1` that keeps all that it hears, for tests. */
export class SessionClient {
  readonly heard: ServerMessage[] = [];
  readonly socket: WebSocket;
  closed: { readonly code: number; readonly reason: string } | null = null;
  /** The status of an upgrade that was refused. */
  status: number | null = null;

  /** `first` is sent as soon as the connection stands. */
  constructor(origin: string, first: readonly ClientMessage[] = []) {
    this.socket = new WebSocket(`${origin}/api/v1`);
    this.socket.on('open', () => {
      for (const message of first) this.say(message);
    });
    this.socket.on('message', (data) => this.heard.push(JSON.parse(String(data))));
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) };
    });
    this.socket.on('unexpected-response', (_request, response) => {
      this.status = response.statusCode ?? null;
      response.destroy();
    });
    this.socket.on('error', () => {});
  }

  say(message: ClientMessage): void {
    this.socket.send(JSON.stringify(message));
  }

  /** All messages of a type so far. */
  all<Type extends ServerMessage['type']>(
    type: Type,
  ): readonly Extract<ServerMessage, { readonly type: Type }>[] {
    return this.heard.filter(
      (message): message is Extract<ServerMessage, { readonly type: Type }> =>
        message.type === type,
    );
  }

  /** The rows of a view as batches add them up, of any channel. */
  rows(view: string): readonly string[] {
    const rows = new Map<string, number>();
    for (const { changes } of this.all('batch')) {
      for (const [diff, row] of changes[view] ?? []) {
        const text = JSON.stringify(row);
        rows.set(text, (rows.get(text) ?? 0) + diff);
      }
    }
    return [...rows].filter(([, many]) => many > 0).map(([text]) => text);
  }
}
