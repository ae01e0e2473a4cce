import type { Item } from './items-table.ts';

/** What `ws /example/ws/` says. */
export interface ExampleMessage {
  readonly items?: readonly Item[];
  readonly result?: string;
  readonly id?: string;
  readonly archived?: string;
  readonly status?: string;
  readonly error?: string;
}

export interface ExampleListener {
  /** A message came, or one was sent; as it travelled. */
  traffic(direction: 'in' | 'out', text: string): void;
  message(message: ExampleMessage): void;
  connected(isConnected: boolean): void;
}

const [SHORTEST_MS, LONGEST_MS] = [500, 20_000];

/** A connection to `ws /example/ws/` that comes back, and asks for the list each time. */
export class ExampleSocket {
  readonly #listener: ExampleListener;
  #socket: WebSocket | null = null;
  #waiting: string[] = [];
  #tries = 0;

  constructor(listener: ExampleListener) {
    this.#listener = listener;
    this.#connect();
  }

  /** Sends now, or when the connection stands. */
  send(request: object): void {
    const text = JSON.stringify(request);
    if (this.#socket?.readyState === WebSocket.OPEN) this.#say(text);
    else this.#waiting.push(text);
  }

  #say(text: string): void {
    this.#socket?.send(text);
    this.#listener.traffic('out', text);
  }

  #connect(): void {
    const url = new URL('../example/ws/', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#tries = 0;
      this.#listener.connected(true);
      this.#say(JSON.stringify({ action: 'list' }));
      for (const text of this.#waiting.splice(0)) this.#say(text);
    };
    socket.onmessage = ({ data }) => {
      this.#listener.traffic('in', String(data));
      this.#listener.message(JSON.parse(String(data)));
    };
    socket.onclose = () => {
      this.#listener.connected(false);
      const most = Math.min(LONGEST_MS, SHORTEST_MS * 2 ** this.#tries);
      this.#tries += 1;
      setTimeout(() => this.#connect(), Math.random() * most);
    };
  }
}
