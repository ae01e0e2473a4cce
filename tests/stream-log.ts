import { spawn } from 'node:child_process';
import WebSocket from 'ws';

/** One message of a stream, as wikirecent defined it. */
export interface StreamMessage {
  readonly deleted: readonly (readonly unknown[])[];
  readonly inserted: readonly (readonly unknown[])[];
  readonly timestamp: number;
}

/** A running reader of one stream; messages in the order they came. */
export interface StreamLog {
  readonly messages: readonly StreamMessage[];
  close(): void;
}

/** Reads a view over a WebSocket. */
export function readWebSocket(origin: string, view: string): StreamLog {
  const messages: StreamMessage[] = [];
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/api/stream/${view}`);
  socket.on('message', (data) => messages.push(parseMessage(data.toString())));
  socket.on('error', () => {});
  return { messages, close: () => socket.terminate() };
}

/** Reads a view as server-sent events. */
export function readEvents(origin: string, view: string): StreamLog {
  const messages: StreamMessage[] = [];
  const controller = new AbortController();
  let event = '';
  const feed = lineFeed((line) => {
    if (line.startsWith('event:')) event = line.slice(6).trim();
    // A status event says how the view stands, and holds no rows (PROTOCOL.md).
    if (line.startsWith('data:') && event !== 'status') messages.push(parseMessage(line.slice(5)));
    if (line === '') event = '';
  });
  const read = async () => {
    const response = await fetch(`${origin}/api/stream/${view}`, {
      headers: { accept: 'text/event-stream' },
      signal: controller.signal,
    });
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) feed(decoder.decode(chunk, { stream: true }));
  };
  // Closing aborts the request, which is how it ends.
  read().catch(() => {});
  return { messages, close: () => controller.abort() };
}

/** Reads a view by the very line that wikirecent documented for curl. */
export function readCurl(origin: string, view: string): StreamLog {
  const messages: StreamMessage[] = [];
  const headers = [
    'Sec-WebSocket-Key: +',
    'Sec-WebSocket-Version: 13',
    'Connection: Upgrade',
    'Upgrade: websocket',
  ];
  const curl = spawn('curl', [
    '--no-buffer',
    '--silent',
    '--output',
    '-',
    ...headers.flatMap((header) => ['-H', header]),
    `${origin}/api/stream/${view}`,
  ]);
  const decoder = new TextDecoder();
  const feed = lineFeed((line) => {
    if (line.trim() !== '') messages.push(parseMessage(line));
  });
  curl.stdout.on('data', (chunk: Buffer) => feed(decoder.decode(chunk, { stream: true })));
  return { messages, close: () => void curl.kill() };
}

function lineFeed(take: (line: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  };
}

function parseMessage(text: string): StreamMessage {
  return JSON.parse(text) as StreamMessage;
}

/** A view's rows after each message, by the fold that any client makes. */
export function foldStream(
  messages: readonly StreamMessage[],
): readonly { readonly timestamp: number; readonly rows: readonly (readonly unknown[])[] }[] {
  const held = new Map<string, number>();
  const add = (row: readonly unknown[], diff: number) => {
    const text = JSON.stringify(row);
    const count = (held.get(text) ?? 0) + diff;
    if (count < 0) throw new Error(`${text} was deleted more often than inserted`);
    if (count === 0) held.delete(text);
    else held.set(text, count);
  };
  return messages.map(({ deleted, inserted, timestamp }) => {
    // Within one message a row may be deleted that the same message inserts.
    for (const row of inserted) add(row, 1);
    for (const row of deleted) add(row, -1);
    const rows = [...held].flatMap(([text, count]) =>
      Array.from({ length: count }, () => JSON.parse(text) as unknown[]),
    );
    return { timestamp, rows };
  });
}
