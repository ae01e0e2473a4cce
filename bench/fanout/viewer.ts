import { connect, type Socket } from 'node:net';
import type { Access } from './candidates/candidate.ts';
import { EventReader } from './event-reader.ts';
import { CLIENT_PONG, clientFrame, FrameReader, type Mark } from './frame-reader.ts';
import type { Wanted } from './messages.ts';
import { timeOf, VIEW } from './workload.ts';

/** What a viewer tells its group, and asks it. */
export interface ViewerListener {
  /** Bytes were read: `messages` may have grown. */
  moved(viewer: Viewer): void;
  closed(viewer: Viewer): void;
}

/** All sockets read into this one buffer: each read is used up before the next. */
const SHARED = Buffer.allocUnsafe(256 * 1024);
const END_OF_HEAD = '\r\n\r\n';

const UPGRADE =
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

/** Where `{"type":"batch"` differs from all other messages of a session. */
const BATCH: Mark = { at: 9, byte: 'b'.charCodeAt(0) };

/** One connection of the load client, as cheap as Node allows. */
export class Viewer {
  readonly #socket: Socket;
  readonly #listener: ViewerListener;
  readonly #reader: FrameReader | EventReader;
  /** Sent as soon as the connection stands. */
  readonly #subscribe: Buffer | null;
  #head = '';
  #headRead = false;
  bytes = 0;
  /** Why the connection ended, as far as that is known. */
  ending = 'it was cut';

  /** `text` is called with each whole message; null only counts. */
  constructor(
    access: Access,
    wanted: Wanted,
    listener: ViewerListener,
    text: ((payload: string) => void) | null,
  ) {
    this.#listener = listener;
    this.#reader = readerFor(access, this, text);
    this.#subscribe = access.protocol === 'session' ? subscribeFrame(wanted) : null;
    this.#socket = connect({
      host: '127.0.0.1',
      port: access.port,
      onread: {
        buffer: SHARED,
        callback: (length) => {
          this.#read(length);
          return true;
        },
      },
    });
    this.#socket.on('error', (error) => {
      this.ending = error.message;
    });
    this.#socket.on('close', () => listener.closed(this));
    this.#socket.write(requestHead(access, wanted));
  }

  /** Messages that came and count, the greetings among them. */
  get messages(): number {
    return this.#reader.count;
  }

  send(frame: Buffer): void {
    this.#socket.write(frame);
  }

  /** Reads no more, like a stopped program. */
  pause(): void {
    this.#socket.pause();
  }

  unpause(): void {
    this.#socket.resume();
  }

  /** Resets the connection, as a lost network does, and leaves no port waiting. */
  cut(): void {
    this.#socket.resetAndDestroy();
  }

  #read(length: number): void {
    let at = 0;
    if (!this.#headRead) {
      at = this.#readHead(length);
      if (at === -1) return;
    }
    this.bytes += length - at;
    if (at < length) this.#reader.read(SHARED, at, length);
    this.#listener.moved(this);
  }

  /** Where the body begins in this chunk, or −1. */
  #readHead(length: number): number {
    const known = this.#head.length;
    this.#head += SHARED.toString('latin1', 0, length);
    const end = this.#head.indexOf(END_OF_HEAD);
    if (end === -1) return -1;
    const status = Number(this.#head.slice(9, 12));
    if (status !== 101 && status !== 200) {
      this.ending = this.#head.slice(0, this.#head.indexOf('\r\n'));
      this.#socket.destroy();
      return -1;
    }
    this.#headRead = true;
    this.#head = '';
    if (this.#subscribe !== null) this.send(this.#subscribe);
    return end + END_OF_HEAD.length - known;
  }
}

function requestHead({ protocol, path, port }: Access, { from }: Wanted): string {
  const resumes = protocol === 'websocket' && from !== undefined;
  const query = resumes ? `?from=${from.epoch}.${timeOf(from.batch) + 1}` : '';
  const asks = protocol === 'events' ? 'Accept: text/event-stream\r\n' : UPGRADE;
  return `GET ${path}${query} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${asks}\r\n`;
}

function subscribeFrame({ from, where }: Wanted): Buffer {
  const views = [where === undefined ? { view: VIEW } : { view: VIEW, where }];
  const held = from && { from: { epoch: from.epoch, timestamp: timeOf(from.batch) + 1 } };
  return clientFrame(JSON.stringify({ type: 'subscribe', id: 'bench', views, ...held }));
}

function readerFor(
  { protocol }: Access,
  viewer: Viewer,
  text: ((payload: string) => void) | null,
): FrameReader | EventReader {
  if (protocol === 'events') return new EventReader(text);
  const frames = {
    ping: () => viewer.send(CLIENT_PONG),
    closed: (code: number, reason: string) => {
      viewer.ending = `it was closed with ${code} ${reason}`;
    },
  };
  if (protocol === 'websocket') return new FrameReader({ ...frames, text });
  if (protocol === 'session') return new FrameReader({ ...frames, text }, BATCH);
  // Socket.IO: after Engine.IO's packet 0 the client asks for the namespace; 42 is an event.
  let greeted = false;
  return new FrameReader({
    ...frames,
    get text() {
      if (greeted && text === null) return null;
      return (payload: string) => {
        if (!greeted) viewer.send(clientFrame('40'));
        else if (payload.startsWith('42')) text?.(payload.slice('42["batch",'.length, -1));
        greeted = true;
      };
    },
  });
}
