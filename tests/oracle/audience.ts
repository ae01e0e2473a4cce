import type { Question } from './question.ts';
import type { Random } from './random.ts';
import { VIEWS } from './schema.ts';
import type { Kind } from './viewers/kind.ts';

/** A client to be: what it is and what it watches. */
export type Seat = readonly [kind: Kind, questions: readonly Question[]];

const views = (...names: readonly string[]): readonly Question[] => names.map((view) => ({ view }));

const GROUPS: readonly (readonly Question[])[] = [
  views('counter', 'useredits', 'top10', 'rare'),
  views('labelled', 'by_label', 'unlabelled', 'prices', 'kinds'),
  views('tally', 'wide_rows'),
  views('nobody', 'tally', 'counter'),
  [{ view: 'useredits', where: { editor: 'Bob' } }, { view: 'counter' }],
];

const FILTERED: readonly Question[] = [
  { view: 'useredits', where: { editor: 'ann' } },
  { view: 'useredits', where: { editor: 'nobody at all' } },
  { view: 'labelled', where: { kind: 'cup', label: 'red' } },
  { view: 'rare', where: { bot: null } },
  { view: 'rare', where: { bot: true, editor: 'zoë' } },
  { view: 'wide_rows', where: { label: 'again' } },
];

/** Kinds that watch each view alone. */
const KINDS_PER_VIEW = 3;

/** Clients of all kinds: each view by some of them, groups and filters by those that can. */
export function audience(kinds: readonly Kind[], random: Random): readonly Seat[] {
  const seats: Seat[] = [];
  for (const { name } of VIEWS) {
    const chosen = random.shuffle(kinds).slice(0, KINDS_PER_VIEW);
    for (const kind of chosen) seats.push([kind, [{ view: name }]]);
  }
  for (const kind of kinds) {
    if (kind.isGrouped) for (const questions of GROUPS) seats.push([kind, questions]);
    if (kind.isFiltered) {
      for (const question of random.shuffle(FILTERED).slice(0, 4)) seats.push([kind, [question]]);
    }
  }
  return seats;
}
