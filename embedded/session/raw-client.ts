import type { Engine } from '../engine.ts';
import { frame, int16, int32, text } from '../wire/backend.ts';
import { FrameReader, splitFrames } from '../wire/frames.ts';
import { parseMessage } from '../wire/frontend.ts';
import { Session, type SessionOptions } from './session.ts';

/** For tests: a client without a socket, which sees every message of its session. */
export class RawClient {
  readonly session: Session;
  readonly bugs: unknown[] = [];
  /** Resolves when the session is over. */
  readonly over: Promise<void>;
  /** What came, one text each: the letter and what tests look at, such as `C SELECT 1`. */
  readonly received: string[] = [];
  /** While true the client does not read: the session has to wait. */
  stalled = false;
  #wake = new Set<() => void>();

  constructor(engine: Engine, options: Partial<SessionOptions> = {}) {
    const sink = {
      write: (bytes: Uint8Array) => {
        for (const { type, body } of splitFrames(bytes)) this.received.push(show(type, body));
        this.#notify();
      },
      drained: async () => {
        while (this.stalled) await this.#change();
      },
    };
    const valve = { pause: () => {}, resume: () => {} };
    this.session = new Session(engine, sink, valve, {
      idleTransactionMs: 10_000,
      clock: () => 0,
      onBug: (error) => this.bugs.push(error),
      ...options,
    });
    this.over = this.session.run();
  }

  send(...frames: readonly Uint8Array[]): void {
    const reader = new FrameReader(1 << 20);
    reader.push(Buffer.concat(frames));
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      this.session.inbox.push(parseMessage(next), next.body.byteLength);
    }
  }

  /** Everything received so far, once it contains a message that starts so; clears it. */
  async until(start: string): Promise<string[]> {
    while (!this.received.some((message) => message.startsWith(start))) await this.#change();
    return this.received.splice(0);
  }

  /** Sends a simple query and returns the answer up to ReadyForQuery. */
  async query(sql: string): Promise<string[]> {
    this.send(query(sql));
    return this.until('Z');
  }

  go(): void {
    this.stalled = false;
    this.#notify();
  }

  async leave(): Promise<void> {
    this.session.inbox.close();
    await this.over;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.add(resolve));
  }

  #notify(): void {
    const waiting = [...this.#wake];
    this.#wake.clear();
    for (const wake of waiting) wake();
  }
}

export const query = (sql: string) => frame('Q', text(sql));
export const parse = (name: string, sql: string) => frame('P', text(name), text(sql), int16(0));
export const bind = (portal: string, statement: string, values: readonly string[] = []) =>
  frame(
    'B',
    text(portal),
    text(statement),
    int16(0),
    int16(values.length),
    ...values.flatMap((value) => [int32(Buffer.byteLength(value)), Buffer.from(value)]),
    int16(0),
  );
export const describePortal = (portal: string) => frame('D', Buffer.from('P'), text(portal));
export const execute = (portal: string, maxRows = 0) => frame('E', text(portal), int32(maxRows));
export const closePortal = (portal: string) => frame('C', Buffer.from('P'), text(portal));
export const FLUSH = frame('H');
export const SYNC = frame('S');
export const TERMINATE = frame('X');

function show(type: number, body: Buffer): string {
  const letter = String.fromCharCode(type);
  if (letter === 'C') return `C ${body.toString('utf8', 0, body.length - 1)}`;
  if (letter === 'Z') return `Z ${body.toString()}`;
  if (letter === 'E' || letter === 'N') {
    const fields = body.toString().split('\0');
    const value = (key: string) => fields.find((field) => field.startsWith(key))?.slice(1);
    return `${letter} ${value('C')} ${value('M')}`;
  }
  if (letter === 'd') return `d ${body.toString()}`;
  if (letter === 'D') return `D ${rowOf(body).join('|')}`;
  return letter;
}

function rowOf(body: Buffer): string[] {
  const values: string[] = [];
  for (let at = 2; at < body.length; ) {
    const length = body.readInt32BE(at);
    at += 4;
    values.push(length === -1 ? '-' : body.toString('utf8', at, at + length));
    at += Math.max(length, 0);
  }
  return values;
}
