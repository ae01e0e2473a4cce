import type { FilterValue } from '../protocol/message.ts';
import type { Kind } from './leaders.ts';

/** Since when changes count: since the start, or for so many minutes after they arrived. */
export type Span = 'start' | '60' | '5' | '1';

/** What the reader chose to see: everything that the address says. */
export interface Choice {
  readonly span: Span;
  /** null: all kinds. */
  readonly kind: Kind | null;
  /** null: all wikis. */
  readonly wiki: string | null;
  readonly top: 10 | 20;
  /** null: what this browser remembers, or the system prefers. */
  readonly theme: 'light' | 'dark' | null;
  /** The one part to show, for a frame in another page; null shows the whole page. */
  readonly embed: string | null;
}

/** What is shown where the address says nothing. */
export const DEFAULT_CHOICE: Choice = {
  span: 'start',
  kind: null,
  wiki: null,
  top: 10,
  theme: null,
  embed: null,
};

const SPANS: readonly Span[] = ['start', '60', '5', '1'];
const KINDS: Readonly<Record<string, Kind>> = {
  people: 'person',
  bots: 'bot',
  anonymous: 'anonymous',
};

/** Reads the query of an address; what it does not know is as if it were not there. */
export function parseChoice(search: string): Choice {
  const query = new URLSearchParams(search);
  const theme = query.get('theme');
  return {
    span: SPANS.find((span) => span === query.get('window')) ?? 'start',
    kind: new Map(Object.entries(KINDS)).get(query.get('who') ?? '') ?? null,
    wiki: query.get('wiki') || null,
    top: query.get('top') === '20' ? 20 : 10,
    theme: theme === 'light' || theme === 'dark' ? theme : null,
    embed: query.get('embed') || null,
  };
}

/** The query that `parseChoice` reads as this choice: '' or one that starts with `?`. */
export function formatChoice({ span, kind, wiki, top, theme, embed }: Choice): string {
  const who = Object.entries(KINDS).find(([, value]) => value === kind)?.[0];
  const given: readonly (readonly [string, string | null | undefined])[] = [
    ['window', span === 'start' ? null : span],
    ['who', who],
    ['wiki', wiki],
    ['top', top === 20 ? '20' : null],
    ['theme', theme],
    ['embed', embed],
  ];
  const query = new URLSearchParams(
    given.flatMap(([name, value]) => (value ? [[name, value]] : [])),
  );
  return query.size === 0 ? '' : `?${query}`;
}

/** A view, and which of its rows. */
export interface Wanted {
  readonly view: string;
  readonly where?: Readonly<Record<string, FilterValue>>;
}

/** The ranking to follow, where it is not the one of everybody since the start; else null. */
export function rankingOf({ span, kind, wiki }: Choice): Wanted | null {
  if (span === 'start' && kind === null && wiki === null) return null;
  // The view says `*` for all wikis together.
  const where = { span: span === 'start' ? span : `${span}m`, wiki: wiki ?? '*' };
  return { view: 'leaders', where: kind === null ? where : { ...where, kind } };
}

const SPAN_TEXT: Readonly<Record<Span, string>> = {
  start: 'since the start',
  60: 'last 60 minutes',
  5: 'last 5 minutes',
  1: 'last minute',
};

/** What the ranking is of, in words: `Most active bots on enwiki, last 5 minutes`. */
export function titleOf({ span, kind, wiki }: Choice): string {
  const who = Object.entries(KINDS).find(([, value]) => value === kind)?.[0];
  const whom = who === undefined ? '' : ` ${who}${who === 'anonymous' ? ' editors' : ''}`;
  return `Most active${whom}${wiki === null ? '' : ` on ${wiki}`}, ${SPAN_TEXT[span]}`;
}

/** The newest changes to follow. */
export function latestOf({ kind, wiki }: Choice): Wanted {
  if (kind === null && wiki === null) return { view: 'latest' };
  return {
    view: 'latest',
    where: { ...(wiki === null ? {} : { wiki }), ...(kind === null ? {} : { kind }) },
  };
}
