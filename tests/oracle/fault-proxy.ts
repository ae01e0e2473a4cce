import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Random } from './random.ts';

interface Pair {
  readonly inner: Socket;
  readonly outer: Socket;
}

/** Bytes that may still pass from the inside to the outside before the cut; null: no cut is due. */
interface Cut {
  left: number;
}

/**
 * A TCP proxy that harms what goes through it: it cuts connections in the middle of a message, lets
 * them hang, and lets bytes trickle.
 */
export class FaultProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Map<Pair, Cut | null>();
  readonly #random: Random;
  #stalled = false;

  private constructor(server: Server, port: number, random: Random) {
    this.#server = server;
    this.port = port;
    this.#random = random;
  }

  /** `target` is asked for the port inside at each connection; null refuses it. */
  static async open(target: () => number | null, random: Random): Promise<FaultProxy> {
    const server = createServer({ noDelay: true });
    const port = await new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    const proxy = new FaultProxy(server, port, random);
    server.on('connection', (outer) => proxy.#connected(outer, target()));
    return proxy;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Cuts each connection that `chance` picks, after so many more bytes from the inside at most. */
  cut(chance: number, mostBytes: number): void {
    for (const pair of this.#pairs.keys()) {
      if (!this.#random.chance(chance)) continue;
      const left = this.#random.integer(0, mostBytes);
      if (left === 0) this.#end(pair);
      else this.#pairs.set(pair, { left });
    }
  }

  /** Nothing passes any more, in either direction; the connections stay. */
  stall(): void {
    this.#stalled = true;
    for (const { inner, outer } of this.#pairs.keys()) {
      inner.pause();
      outer.pause();
    }
  }

  /** Lets all go on. */
  flow(): void {
    this.#stalled = false;
    for (const { inner, outer } of this.#pairs.keys()) {
      inner.resume();
      outer.resume();
    }
  }

  close(): void {
    this.#server.close();
    for (const pair of [...this.#pairs.keys()]) this.#end(pair);
  }

  #connected(outer: Socket, port: number | null): void {
    if (port === null) {
      outer.destroy();
      return;
    }
    const inner = connect({ port, host: '127.0.0.1', noDelay: true });
    const pair = { inner, outer };
    this.#pairs.set(pair, null);
    inner.on('data', (bytes) => this.#outward(pair, bytes));
    outer.on('data', (bytes) => {
      if (!inner.write(bytes)) pauseUntilDrained(outer, inner, () => this.#stalled);
    });
    for (const socket of [inner, outer]) {
      socket.on('error', () => {});
      socket.once('close', () => this.#end(pair));
    }
    if (this.#stalled) this.stall();
  }

  #outward(pair: Pair, bytes: Buffer): void {
    const cut = this.#pairs.get(pair) ?? null;
    if (cut !== null && bytes.byteLength >= cut.left) {
      // What went before the cut arrives: a peer is to meet half a message, not none.
      pair.outer.end(bytes.subarray(0, cut.left));
      pair.inner.destroy();
      return;
    }
    if (cut !== null) cut.left -= bytes.byteLength;
    if (!pair.outer.write(bytes)) {
      pauseUntilDrained(pair.inner, pair.outer, () => this.#stalled);
    }
  }

  #end(pair: Pair): void {
    this.#pairs.delete(pair);
    pair.inner.destroy();
    // A half-sent message is let out; the rest is torn off.
    if (pair.outer.writableEnded) pair.outer.destroySoon();
    else if (this.#random.chance(0.5)) pair.outer.resetAndDestroy();
    else pair.outer.destroy();
  }
}

function pauseUntilDrained(source: Socket, sink: Socket, isStalled: () => boolean): void {
  source.pause();
  sink.once('drain', () => {
    if (!isStalled()) source.resume();
  });
}
