/**
 * The worker threads, as the main thread sees them.
 *
 *   starting ──hello──▶ handed ──listening──▶ serving ──(drained)──▶ ended
 *
 * One that ends without being told is replaced: its viewers' connections are closed with it, and
 * they come back, to any worker, with what they hold.
 */
import { Gathering, type Parts } from './gathering.ts';
import type { FromWorker, Question, ToWorker } from './message.ts';
import type { EventReader } from './view-feed.ts';

/** A thread that was started. */
export interface WorkerPort {
  post(message: ToWorker): void;
}

export interface PoolParts {
  readonly count: number;
  /** Starts a thread. `ended` is called once, when it is no more. */
  readonly spawn: (
    number: number,
    hear: { message(message: FromWorker): void; ended(): void },
  ) => WorkerPort;
  /** Hands over the views, and tells of their changes until the function it returns is called. */
  readonly join: (reader: EventReader) => () => void;
  /** Takes one of the connections of an address; null when it has as many as it may. */
  readonly enter: (address: string) => (() => void) | null;
  /** What the workers' parts come to, by worker. */
  readonly combine: (question: Question, parts: Parts) => unknown;
  /** Runs `run` once after `ms`; the returned function calls it off. */
  readonly after: (ms: number, run: () => void) => () => void;
  /** Told of a worker that ended without being told; its place is taken by another. */
  readonly lost: (worker: number) => void;
}

interface Seat {
  readonly number: number;
  readonly port: WorkerPort;
  readonly connections: Map<number, () => void>;
  leaveFeed: () => void;
  listening: boolean;
  drained: boolean;
}

/** A worker that dies at once must not keep the machine busy with its successors. */
const RESPAWN_MS = 500;
/** Workers that were told to close are given so long. */
const CLOSE_MS = 1_500;

export class Pool {
  readonly #parts: PoolParts;
  readonly #seats = new Map<number, Seat>();
  readonly #gathering: Gathering<Question>;
  readonly #started: { resolve(): void; reject(error: Error): void };
  /** Resolves when all workers serve; rejects with the sentence of one that cannot. */
  readonly started: Promise<void>;
  #state: 'running' | 'draining' | 'closing' = 'running';
  #spawned = 0;
  #drained: () => void = () => {};
  #closed: () => void = () => {};

  constructor(parts: PoolParts) {
    this.#parts = parts;
    let started = { resolve: () => {}, reject: (_error: Error) => {} };
    this.started = new Promise((resolve, reject) => {
      started = { resolve, reject };
    });
    this.#started = started;
    this.#gathering = new Gathering({
      post: (worker, id, question) =>
        this.#seats.get(worker)?.port.post({ kind: 'gather', id, question }),
      after: parts.after,
    });
    for (let count = 0; count < parts.count; count++) this.#spawn();
  }

  /** What all workers say together. */
  async ask(question: Question): Promise<unknown> {
    const serving = [...this.#seats.values()].filter(({ listening }) => listening);
    const numbers = serving.map(({ number }) => number);
    return this.#parts.combine(question, await this.#gathering.ask(numbers, question));
  }

  /** Whether every worker that serves answers: one that hangs does not. */
  async alive(): Promise<boolean> {
    const serving = [...this.#seats.values()].filter(({ listening }) => listening);
    const numbers = serving.map(({ number }) => number);
    const answers = await this.#gathering.ask(numbers, 'alive');
    return numbers.every((number) => answers.has(number) || !this.#seats.has(number));
  }

  /** Each worker sends its viewers away over `drainMs`; `done` is called when all are gone. */
  drain(drainMs: number, done: () => void): void {
    if (this.#state !== 'running') return;
    this.#state = 'draining';
    this.#drained = done;
    for (const { port } of this.#seats.values()) port.post({ kind: 'drain', drainMs });
    this.#lookDrained();
  }

  /** Ends all workers and their connections; resolves when they are gone, or too slow. */
  close(): Promise<void> {
    this.#state = 'closing';
    return new Promise((resolve) => {
      const cancel = this.#parts.after(CLOSE_MS, resolve);
      this.#closed = () => {
        cancel();
        resolve();
      };
      for (const { port } of this.#seats.values()) port.post({ kind: 'close' });
      this.#lookClosed();
    });
  }

  #spawn(): void {
    this.#spawned += 1;
    const number = this.#spawned;
    const port = this.#parts.spawn(number, {
      message: (message) => this.#hear(number, message),
      ended: () => this.#ended(number),
    });
    this.#seats.set(number, {
      number,
      port,
      connections: new Map(),
      leaveFeed: () => {},
      listening: false,
      drained: false,
    });
  }

  #hear(number: number, message: FromWorker): void {
    const seat = this.#seats.get(number);
    if (seat === undefined) return;
    const { port } = seat;
    switch (message.kind) {
      case 'hello':
        seat.leaveFeed = this.#parts.join((texts) => port.post({ kind: 'events', texts }));
        break;
      case 'listening':
        seat.listening = true;
        if ([...this.#seats.values()].every(({ listening }) => listening)) this.#started.resolve();
        break;
      case 'ask':
        this.#answer(port, message.id, message.question);
        break;
      case 'gathered':
        this.#gathering.said(number, message.id, message.part);
        break;
      case 'enter':
        this.#enter(seat, message.id, message.address);
        break;
      case 'left':
        seat.connections.get(message.id)?.();
        seat.connections.delete(message.id);
        break;
      case 'drained':
        seat.drained = true;
        this.#lookDrained();
        break;
      case 'failed':
        this.#started.reject(new Error(message.message));
    }
  }

  #answer(port: WorkerPort, id: number, question: Question): void {
    const answer = (value: unknown) => port.post({ kind: 'answer', id, answer: value });
    this.ask(question).then(answer, () => answer(null));
  }

  #enter({ port, connections }: Seat, id: number, address: string): void {
    const leave = this.#parts.enter(address);
    if (leave !== null) connections.set(id, leave);
    port.post({ kind: 'entered', id, admitted: leave !== null });
  }

  #ended(number: number): void {
    const seat = this.#seats.get(number);
    if (seat === undefined) return;
    this.#seats.delete(number);
    seat.leaveFeed();
    for (const leave of seat.connections.values()) leave();
    this.#gathering.left(number);
    if (this.#state === 'closing') this.#lookClosed();
    else if (this.#state === 'draining') this.#lookDrained();
    else this.#replace(seat);
  }

  #replace({ number, listening }: Seat): void {
    this.#parts.lost(number);
    const replace = () => {
      if (this.#state === 'running') this.#spawn();
    };
    this.#parts.after(listening ? 0 : RESPAWN_MS, replace);
  }

  #lookDrained(): void {
    if (this.#state !== 'draining') return;
    if ([...this.#seats.values()].every(({ drained }) => drained)) this.#drained();
  }

  #lookClosed(): void {
    if (this.#state === 'closing' && this.#seats.size === 0) this.#closed();
  }
}
