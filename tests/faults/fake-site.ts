import { Connection } from '../../conformance/connection.ts';
import type { Track } from '../../conformance/track.ts';
import { rowText } from '../../protocol/row.ts';
import { type FakeView, FakeViews } from '../../server/channel/fake-view.ts';
import type { ServeOptions, Serving } from '../../server/serve-options.ts';
import { serveViews } from '../../server/serve-views.ts';

/** Generous: a machine may be busy. */
const PATIENCE_MS = 45_000;

/** The server over views that a test moves by hand, and viewers that hold it to every rule. */
export class FakeSite {
  readonly view: FakeView;
  readonly views = new FakeViews();
  readonly #serving: Serving;
  readonly #open: Connection[] = [];
  #rowBytes: number;
  #step = 0;

  /** A view of one row of so many bytes, which every move replaces. */
  constructor(rowBytes: number, options: Partial<ServeOptions> = {}) {
    this.#rowBytes = rowBytes;
    this.view = this.views.add('wide');
    this.view.reset('epochOfWideRows_', 1_000, new Map([[this.#row(), 1]]));
    this.#serving = serveViews(this.views, {
      host: '127.0.0.1',
      port: 0,
      web: 'nowhere',
      origins: [],
      trustedProxies: [],
      connectionsPerAddress: 50,
      failed: (path, error) => {
        throw new Error(`${path} failed`, { cause: error });
      },
      ...options,
    });
  }

  get http(): string {
    return `http://127.0.0.1:${this.#serving.port}`;
  }

  async connect(): Promise<Connection> {
    const url = `${this.http.replace('http', 'ws')}/api/v1`;
    const connection = await Connection.open(url, { patienceMs: PATIENCE_MS });
    this.#open.push(connection);
    return connection;
  }

  /** A viewer that has the rows, and acknowledges nothing by itself. */
  async viewer(): Promise<{ readonly connection: Connection; readonly track: Track }> {
    const connection = await this.connect();
    const track = await connection.subscribe({ views: [{ view: 'wide' }] });
    return { connection, track };
  }

  /** One more batch. */
  move(): void {
    const before = this.#row();
    this.#step += 1;
    this.view.batch(
      Number(this.view.frontier) + 1,
      new Map([
        [before, -1],
        [this.#row(), 1],
      ]),
    );
  }

  /** A number from `/metrics`; 0 when it is not there. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.http}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1) ?? 0);
  }

  close(): void {
    for (const connection of this.#open) connection.close();
    this.#serving.close();
  }

  #row(): string {
    return rowText([`row ${this.#step} `.padEnd(this.#rowBytes, 'x'), this.#step]);
  }
}
