import type { Row } from '../client/rows.ts';
import type { Column, Json } from '../protocol/update.ts';
import { codePointOrder } from './code-point-order.ts';
import { type Kind, parseKind } from './leaders.ts';

/** One change on a wiki, as the list of the newest shows it. */
export interface Change {
  readonly key: string;
  readonly arrivedMs: number;
  readonly user: string | null;
  readonly kind: Kind | null;
  readonly wiki: string;
  readonly title: string;
  readonly type: string;
  /** How many bytes were added, or removed below 0; null where it is no edit. */
  readonly delta: number | null;
  /** Where the change can be looked at; null where that is not known. */
  readonly url: string | null;
}

/** The changes in the rows of the view `latest`, newest first. */
export function latestChanges(
  rows: readonly Row[],
  columns: readonly Pick<Column, 'name'>[],
): Change[] {
  const places = new Map(columns.map(({ name }, at) => [name, at]));
  return rows
    .map((row) => readChange((name) => row[places.get(name) ?? -1] ?? null))
    .sort((a, b) => b.arrivedMs - a.arrivedMs || codePointOrder(a.key, b.key));
}

function readChange(value: (column: string) => Json): Change {
  const [before, after] = [value('length_old'), value('length_new')];
  const user = value('user');
  return {
    key: text(value('meta_id')),
    arrivedMs: Number(value('arrived')),
    user: typeof user === 'string' ? user : null,
    kind: parseKind(value('kind')),
    wiki: text(value('wiki')),
    title: text(value('title')),
    type: text(value('type')),
    delta: typeof after === 'number' ? after - (typeof before === 'number' ? before : 0) : null,
    url: changeUrl(value('server_url'), value('revision_new'), value('title')),
  };
}

/** The wiki's page for a revision, else for a title; only ever an address on the web. */
function changeUrl(server: Json, revision: Json, title: Json): string | null {
  if (typeof server !== 'string' || !/^https?:/.test(server) || !URL.canParse(server)) return null;
  const url = new URL('/w/index.php', server);
  if (typeof revision === 'number' && revision > 0) url.searchParams.set('diff', String(revision));
  else if (typeof title === 'string') url.searchParams.set('title', title);
  else return null;
  return url.href;
}

const text = (value: Json): string => (typeof value === 'string' ? value : '');
