import type { Row } from '../client/rows.ts';
import { add, difference } from '../protocol/multiset.ts';
import type { Column, RowText } from '../protocol/update.ts';
import { type FakeView, FakeViews } from '../server/channel/fake-view.ts';
import type { Serving } from '../server/serve-options.ts';
import { serveViews } from '../server/serve-views.ts';
import { HttpProxy } from '../tests/http-proxy.ts';

/** The columns of the views that the page knows; any other has a user and a count. */
const COLUMNS = new Map<string, readonly Column[]>([
  ['counter', columns('count bigint')],
  ['input', columns('kind text', 'label text', 'state text', 'since timestamptz')],
  ['top20', columns('user text', 'kind text', 'count bigint')],
  ['topwikis', columns('wiki text', 'count bigint')],
  ['persecond', columns('second bigint', 'count bigint')],
  [
    'latest',
    columns(
      ...['arrived bigint', 'meta_id text', 'wiki text', 'kind text', 'user text', 'type text'],
      ...['title text', 'namespace bigint', 'server_url text', 'length_old bigint'],
      ...['length_new bigint', 'revision_old bigint', 'revision_new bigint'],
    ),
  ],
  [
    'archive_newest',
    columns('id bigint', 'value text', 'timestamp text', 'created_date timestamp'),
  ],
  ['leaders', columns('span text', 'wiki text', 'kind text', 'user text', 'count bigint')],
]);

function columns(...texts: readonly string[]): readonly Column[] {
  return texts.map((text) => {
    const [name = '', type = ''] = text.split(' ');
    return { name, type };
  });
}

/** Before the first change. */
const BEGIN = 1;

/**
 * The push server with views whose rows the caller sets, and a network in front of it that the
 * caller breaks: to try the page on.
 */
export class Stand {
  readonly #views = new FakeViews();
  readonly #known = new Map<string, FakeView>();
  readonly #serving: Serving;
  /** What the page is served through. */
  readonly network: HttpProxy;
  #timestamp = BEGIN;

  /** @param folder what to serve: the built page */
  constructor(folder: string) {
    this.#serving = serveViews(this.#views, {
      host: '127.0.0.1',
      port: 0,
      web: folder,
      origins: [],
      trustedProxies: [],
      connectionsPerAddress: 50,
      failed: (path, error) => {
        throw new Error(`${path} failed`, { cause: error });
      },
    });
    this.network = new HttpProxy(this.#serving.port);
  }

  /** Listens on `port`, 0 for a free one, of this machine only; returns the page's address. */
  listen(port = 0): Promise<string> {
    return this.network.listen(port);
  }

  /** Ends all connections and stops listening. */
  async close(): Promise<void> {
    await this.network.close();
    this.#serving.close();
  }

  /** The rows of a view at this moment, each as often as its multiplicity. */
  rows(view: string): Row[] {
    return [...(this.#known.get(view)?.rows ?? [])].flatMap(([text, count]) =>
      Array.from({ length: count }, () => JSON.parse(text) as Row),
    );
  }

  /**
   * Makes these the rows of these views at one timestamp, to which all views move; a view not there
   * before appears.
   */
  set(views: Readonly<Record<string, readonly Row[]>>, timestamp = this.#timestamp + 1): void {
    this.#timestamp = timestamp;
    for (const name of Object.keys(views)) this.#view(name);
    for (const [name, view] of this.#known) {
      const rows = views[name];
      view.batch(timestamp, rows === undefined ? new Map() : difference(view.rows, counted(rows)));
    }
  }

  /** What the server knows of its database. */
  become(state: 'live' | 'stale'): void {
    for (const view of this.#known.values()) view.become(state);
  }

  /** The server has never heard of a view. */
  remove(name: string): void {
    this.#known.delete(name);
    this.#views.remove(name);
  }

  #view(name: string): void {
    if (this.#known.has(name)) return;
    const view = this.#views.add(name, COLUMNS.get(name));
    view.definition = `CREATE MATERIALIZED VIEW ${name} AS …`;
    view.reset(`epoch-${name}`, BEGIN, new Map());
    this.#known.set(name, view);
  }
}

function counted(rows: readonly Row[]): Map<RowText, number> {
  const counts = new Map<RowText, number>();
  for (const row of rows) add(counts, JSON.stringify(row), 1);
  return counts;
}
