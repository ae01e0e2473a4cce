import { connect, type Socket } from 'node:net';
import type { Access } from './candidates/candidate.ts';
import { EventReader } from './event-reader.ts';
import { CLIENT_PONG, clientFrame, FrameReader } from './frame-reader.ts';

/** What a viewer tells its group. */
export interface ViewerListener {
  /** The answer's head came, and then bytes were read: `messages` may have grown. */
  moved(viewer: Viewer): void;
  closed(viewer: Viewer): void;
}

/** All sockets read into this one buffer: each read is used up before the next. */
const SHARED = Buffer.allocUnsafe(256 * 1024);
const END_OF_HEAD = '\r\n\r\n';

const UPGRADE =
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

/** One connection of the load client, as cheap as Node allows. */
export class Viewer {
  readonly #socket: Socket;
  readonly #listener: ViewerListener;
  readonly #reader: FrameReader | EventReader;
  #head = '';
  #headRead = false;
  bytes = 0;

  /** `text` is called with each whole message; null only counts. */
  constructor(
    access: Access,
    path: string,
    listener: ViewerListener,
    text: ((payload: string) => void) | null,
  ) {
    this.#listener = listener;
    this.#reader = readerFor(access, () => this.#socket, text);
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
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => listener.closed(this));
    const upgrade = access.protocol === 'events' ? 'Accept: text/event-stream\r\n' : UPGRADE;
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${access.port}\r\n${upgrade}\r\n`);
  }

  /** Whether the server took the connection. */
  get accepted(): boolean {
    return this.#headRead;
  }

  /** Messages that came, the greetings among them. */
  get messages(): number {
    return this.#reader.count;
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
      this.#socket.destroy();
      return -1;
    }
    this.#headRead = true;
    this.#head = '';
    return end + END_OF_HEAD.length - known;
  }
}

function readerFor(
  access: Access,
  socket: () => Socket,
  text: ((payload: string) => void) | null,
): FrameReader | EventReader {
  if (access.protocol === 'events') return new EventReader(text);
  const frames = { ping: () => void socket().write(CLIENT_PONG), closed: () => {} };
  if (access.protocol === 'websocket') return new FrameReader({ ...frames, text });
  // Socket.IO: after Engine.IO's packet 0 the client asks for the namespace; 42 is an event.
  let greeted = false;
  const reader: FrameReader = new FrameReader({
    ...frames,
    get text() {
      if (greeted && text === null) return null;
      return (payload: string) => {
        if (!greeted) socket().write(clientFrame('40'));
        else if (payload.startsWith('42')) text?.(payload.slice('42["batch",'.length, -1));
        greeted = true;
      };
    },
  });
  return reader;
}
