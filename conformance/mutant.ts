import { type AddressInfo, WebSocket, WebSocketServer } from 'ws';

/** For tests: how a server's words, or a client's, are twisted on the way. */
export interface Mutation {
  /** What arrives instead of a server's message; `seen` counts those of its type before it. */
  readonly heard?: (text: string, seen: number) => readonly string[];
  /** What arrives instead of a client's message. */
  readonly said?: (text: string) => readonly string[];
  /** With which code a connection ends instead. */
  readonly close?: (code: number, reason: string) => readonly [number, string];
}

/** A server that breaks the protocol in one way: a proxy in front of one that keeps it. */
export class Mutant {
  readonly #server: WebSocketServer;
  readonly #mutation: Mutation;
  readonly #target: string;

  private constructor(server: WebSocketServer, target: string, mutation: Mutation) {
    this.#server = server;
    this.#target = target;
    this.#mutation = mutation;
    server.on('connection', (socket) => this.#relay(socket));
  }

  static async start(target: string, mutation: Mutation): Promise<Mutant> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await new Promise((resolve) => server.once('listening', resolve));
    return new Mutant(server, target, mutation);
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `ws://127.0.0.1:${port}/api/v1`;
  }

  stop(): void {
    for (const socket of this.#server.clients) socket.terminate();
    this.#server.close();
  }

  #relay(near: WebSocket): void {
    const { heard, said, close } = this.#mutation;
    const far = new WebSocket(this.#target, { perMessageDeflate: false });
    const early: (() => void)[] = [];
    const counts = new Map<string, number>();
    near.on('message', (data, isBinary) => {
      const texts = isBinary || said === undefined ? [data] : said(String(data));
      const send = () => {
        for (const text of texts) far.send(text, { binary: isBinary });
      };
      if (far.readyState === WebSocket.OPEN) send();
      else early.push(send);
    });
    far.on('open', () => {
      for (const send of early) send();
    });
    far.on('message', (data) => {
      const text = String(data);
      const type = /"type":"(\w+)"/.exec(text)?.[1] ?? '';
      const seen = counts.get(type) ?? 0;
      counts.set(type, seen + 1);
      for (const one of heard?.(text, seen) ?? [text]) near.send(one);
    });
    far.on('close', (code, reason) => {
      const [as, why] = close?.(code, String(reason)) ?? [code, String(reason)];
      // 1006 is no code to be sent: the connection was cut.
      if (as === 1006) near.terminate();
      else near.close(as, why);
    });
    near.on('close', () => far.terminate());
    for (const socket of [near, far]) socket.on('error', () => {});
  }
}
