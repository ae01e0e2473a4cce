import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { add } from '../protocol/multiset.ts';
import type { Diff, RowText } from '../protocol/update.ts';

/** A stream's message, as parsed. */
export interface StreamMessage {
  readonly deleted: readonly (readonly unknown[])[];
  readonly inserted: readonly (readonly unknown[])[];
  readonly timestamp: number;
  readonly snapshot?: true;
}

/** Folds a stream's messages: what a viewer holds. For tests. */
export class Fold {
  readonly rows = new Map<RowText, Diff>();
  readonly messages: StreamMessage[] = [];

  take(text: string): void {
    const message: StreamMessage = JSON.parse(text);
    if (message.snapshot === true) this.rows.clear();
    for (const row of message.inserted) add(this.rows, JSON.stringify(row), 1);
    for (const row of message.deleted) add(this.rows, JSON.stringify(row), -1);
    this.messages.push(message);
  }
}

/** Waits until `condition` holds, looking often; fails after `deadlineMs` naming what was awaited. */
export async function until(
  what: string,
  condition: () => boolean,
  deadlineMs = 15_000,
): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited ${deadlineMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A WebSocket viewer. */
export function viewWebSocket(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): { fold: Fold; socket: WebSocket; closed: () => { code: number; reason: string } | null } {
  const fold = new Fold();
  const socket = new WebSocket(url, { headers });
  let closed: { code: number; reason: string } | null = null;
  socket.on('message', (data) => fold.take(String(data)));
  socket.on('close', (code, reason) => {
    closed = { code, reason: String(reason) };
  });
  socket.on('error', () => {});
  return { fold, socket, closed: () => closed };
}

/** A raw HTTP exchange: what arrives is kept as it came; `pause` stops reading. */
export function exchange(
  port: number,
  head: string,
): {
  text: () => string;
  bytes: () => number;
  ended: () => boolean;
  pause: () => void;
  resume: () => void;
  end: () => void;
} {
  const parts: Buffer[] = [];
  let bytes = 0;
  let ended = false;
  const socket = connect(port, '127.0.0.1', () => socket.write(`${head}\r\n\r\n`));
  socket.on('data', (part: Buffer) => {
    parts.push(part);
    bytes += part.byteLength;
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    ended = true;
  });
  return {
    text: () => Buffer.concat(parts).toString(),
    bytes: () => bytes,
    ended: () => ended,
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    end: () => socket.destroy(),
  };
}

/** The body of a chunked response so far, as text. */
export function unchunk(response: string): string {
  const raw = Buffer.from(response);
  let at = raw.indexOf('\r\n\r\n') + 4;
  const parts: Buffer[] = [];
  for (;;) {
    const line = raw.indexOf('\r\n', at);
    if (line === -1) break;
    const size = Number.parseInt(raw.subarray(at, line).toString(), 16);
    if (!(size > 0)) break;
    parts.push(raw.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
  return Buffer.concat(parts).toString();
}
