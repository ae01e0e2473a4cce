import type { Frontier, Json, RowText } from '../protocol/update.ts';

/** The topic of the example system's pages, and the view they show. */
export const EXAMPLE_TOPIC = 'example';
export const NEWEST_VIEW = 'archive_newest';

/** An archived message as the example system lists it; times in ISO 8601, UTC. */
export interface Item {
  readonly id: Json;
  readonly data_id: Json;
  readonly data_provenance: readonly string[];
  readonly timestamp: string | null;
  readonly value: Json;
  readonly created_date: string | null;
}

/** The view of the newest messages; the view stage provides it by shape. */
export interface NewestView {
  readonly columns: readonly { readonly name: string }[];
  /** Null while hydrating. */
  readonly frontier: Frontier | null;
  readonly rows: ReadonlyMap<RowText, number>;
  watch(listener: {
    batch(batch: { readonly changes: ReadonlyMap<RowText, number> }): void;
    reset(difference: ReadonlyMap<RowText, number>): void;
    state(state: string): void;
  }): () => void;
}

/** The items of the view, newest first, each with the hop on which it is served now. */
export function itemsOf({ columns, rows }: NewestView, hop: string): readonly Item[] {
  const names = columns.map(({ name }) => name);
  const items = [...rows.keys()].map((row): Item => {
    const values: readonly Json[] = JSON.parse(row);
    const at = (name: string): Json => values[names.indexOf(name)] ?? null;
    const provenance = at('data_provenance');
    const hops = Array.isArray(provenance) ? provenance.map(String) : [];
    return {
      id: at('id'),
      data_id: at('data_id'),
      data_provenance: [...hops, hop],
      timestamp: isoOf(at('timestamp')),
      value: at('value'),
      created_date: isoOf(at('created_date')),
    };
  });
  return items.sort((a, b) => Number(b.id) - Number(a.id));
}

/** A time without a zone, which is UTC, as ISO 8601; what is no time stays as it is. */
function isoOf(value: Json): string | null {
  if (typeof value !== 'string') return null;
  const zoned = /(?:Z|[+-]\d\d:?\d\d)$/i.test(value) ? value : `${value}Z`;
  const ms = Date.parse(zoned.replace(' ', 'T'));
  return Number.isNaN(ms) ? value : new Date(ms).toISOString();
}

/** The hop of being served under a path: an id with a time. */
export function servedHop(path: string, nowMs: number, id: string = crypto.randomUUID()): string {
  return `web/${path}/${new Date(nowMs).toISOString()}/${id}`;
}

/** From sending to the archive, in ms; null where one of the times is none. */
export function delayMs({ timestamp, created_date: created }: Item): number | null {
  const delay = Date.parse(created ?? '') - Date.parse(timestamp ?? '');
  return Number.isNaN(delay) ? null : delay;
}

const PEOPLE = [
  'Homer',
  'Marge',
  'Bart',
  'Lisa',
  'Maggie',
  'Ned',
  'Moe',
  'Apu',
  'Krusty',
  'Milhouse',
];
const PLACES = [
  "Moe's Bar",
  'the Kwik-E-Mart',
  'Springfield Elementary',
  'the power plant',
  'home',
];

/** A message for somebody who sends none: "<person> calls <person> from <place>". */
export function inventedCall(random: () => number): string {
  const one = (list: readonly string[]): string => list[Math.floor(random() * list.length)] ?? '';
  const caller = one(PEOPLE);
  const called = one(PEOPLE.filter((name) => name !== caller));
  return `${caller} calls ${called} from ${one(PLACES)}`;
}
