import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { type WebSocket, WebSocketServer } from 'ws';
import { add, addAll } from '../protocol/multiset.ts';
import type { RowText } from '../protocol/update.ts';
import type { Row } from './stream-message.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** As strict as the server's own. */
const HEADERS = {
  'content-security-policy': "default-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
};

interface StandView {
  readonly rows: Map<RowText, number>;
  readonly viewers: Set<WebSocket>;
}

/**
 * A stand-in for the push server, to try the page on: it serves a folder and streams views whose
 * rows the caller sets. Every batch goes out at once, under the timestamp given.
 */
export class Stand {
  readonly #views = new Map<string, StandView>();
  readonly #server = createServer((request, response) => this.#answer(request, response));
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #folder: string;
  #timestamp = 1;
  /** While true, new streams are refused as by a server that is starting. */
  refusing = false;
  /** How many streams have been opened in all. */
  opened = 0;

  /** @param folder what to serve: the built page */
  constructor(folder: string) {
    this.#folder = folder;
    this.#server.on('upgrade', (request, socket, head) => {
      const view = this.#views.get((request.url ?? '').replace('/api/stream/', ''));
      if (view === undefined || this.refusing) {
        socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n');
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (viewer) => this.#join(view, viewer));
    });
  }

  /** Listens on `port`, 0 for a free one, of this machine only; returns the page's address. */
  async listen(port = 0): Promise<string> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
    return `http://127.0.0.1:${address.port}/`;
  }

  /** Ends all streams and stops listening. */
  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  /** The rows of a view at this moment, each as often as its multiplicity. */
  rows(view: string): Row[] {
    const rows: Row[] = [];
    for (const [text, count] of this.#view(view).rows) {
      for (let n = 0; n < count; n++) rows.push(JSON.parse(text) as Row);
    }
    return rows;
  }

  /** Makes `rows` the rows of a view, as one batch; a view not there before appears. */
  set(view: string, rows: readonly Row[], timestamp = this.#timestamp + 1): void {
    this.#timestamp = timestamp;
    const { rows: held, viewers } = this.#view(view);
    const changes = new Map<RowText, number>();
    for (const row of rows) add(changes, JSON.stringify(row), 1);
    for (const [text, count] of held) add(changes, text, -count);
    if (changes.size === 0) return;
    addAll(held, changes);
    const message = encode(changes, timestamp);
    for (const viewer of viewers) viewer.send(message);
  }

  /** Sends every viewer of a view a text as it is. */
  sendRaw(view: string, text: string): void {
    for (const viewer of this.#view(view).viewers) viewer.send(text);
  }

  /** Cuts every stream without a goodbye. */
  cut(): void {
    for (const { viewers } of this.#views.values()) {
      for (const viewer of viewers) viewer.terminate();
    }
  }

  #view(name: string): StandView {
    const found = this.#views.get(name);
    if (found !== undefined) return found;
    const view = { rows: new Map<RowText, number>(), viewers: new Set<WebSocket>() };
    this.#views.set(name, view);
    return view;
  }

  #join(view: StandView, viewer: WebSocket): void {
    this.opened += 1;
    view.viewers.add(viewer);
    viewer.on('close', () => view.viewers.delete(viewer));
    viewer.send(encode(view.rows, this.#timestamp));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://stand').pathname;
    if (path === '/api/views') {
      const views = [...this.#views.keys()].map((name) => ({ name, columns: [] }));
      response.writeHead(200, { ...HEADERS, 'content-type': 'application/json' });
      response.end(JSON.stringify({ views }));
      return;
    }
    const file = normalize(path === '/' ? '/index.html' : path);
    try {
      const body = await readFile(join(this.#folder, file));
      const type = TYPES[extname(file)] ?? 'application/octet-stream';
      response.writeHead(200, { ...HEADERS, 'content-type': type }).end(body);
    } catch {
      response.writeHead(404, HEADERS).end();
    }
  }
}

function encode(changes: ReadonlyMap<RowText, number>, timestamp: number): string {
  const deleted: string[] = [];
  const inserted: string[] = [];
  for (const [row, diff] of changes) {
    const list = diff < 0 ? deleted : inserted;
    for (let n = 0; n < Math.abs(diff); n++) list.push(row);
  }
  return `{"deleted": [${deleted}], "inserted": [${inserted}], "timestamp": ${timestamp}}`;
}
