import { type Token, tokenize } from '../embedded/lexer.ts';
import { isView, keeps, type Survey, type Wanted } from './apply.ts';
import type { Definition } from './definition.ts';
import type { Ledger } from './ledger.ts';

/** What applying will do with one name. */
export interface Step {
  readonly action: 'create' | 'keep' | 'replace' | 'drop' | 'refuse';
  readonly name: string;
  /** In words, such as `materialized view`. */
  readonly kind: string;
  /** What goes and comes with it. */
  readonly with: readonly string[];
  /** Why it is refused; empty otherwise. */
  readonly why: string;
}

/**
 * What `apply` will do, name by name in the order of the definitions, then what is dropped. Who
 * stands upon whom is read from the names in the statements. Changes nothing.
 */
export function planSteps(
  { relations, byHand }: Survey,
  ledger: Ledger,
  wanted: Wanted,
  complete: boolean,
): readonly Step[] {
  const uses = usesOf(wanted, byHand);
  const steps = [...wanted.values()].map((definition): Step => {
    const { name, kind, fingerprint } = definition;
    const existing = relations.get(name);
    const of = (action: Step['action'], why = '', others: readonly string[] = []): Step => ({
      action,
      name,
      kind: kind.replace('-', ' '),
      with: others,
      why,
    });
    if (existing === undefined) return of('create');
    if (ledger.get(name) === fingerprint) return of('keep');
    if (!isView(existing) || !isView(kind)) return of('refuse', keeps(name, existing).message);
    if (ledger.get(name) === undefined) {
      return of('refuse', 'it exists and was not made from here; --replace takes it over');
    }
    return of('replace', '', standingOn(name, uses, relations));
  });
  const removed = complete ? ledger.names().filter((name) => !wanted.has(name)) : [];
  for (const name of removed) {
    const kind = relations.get(name);
    if (kind === undefined || !isView(kind)) continue;
    const others = standingOn(name, uses, relations);
    steps.push({ action: 'drop', name, kind: kind.replace('-', ' '), with: others, why: '' });
  }
  return steps;
}

type Uses = ReadonlyMap<string, ReadonlySet<string>>;

/** By name, the names in its statement. */
function usesOf(wanted: Wanted, byHand: ReadonlyMap<string, string>): Uses {
  const statements: [string, string][] = [...wanted].map(([name, { sql }]) => [name, sql]);
  return new Map([...statements, ...byHand].map(([name, sql]) => [name, namesIn(sql, name)]));
}

function namesIn(sql: string, own: string): ReadonlySet<string> {
  const isName = ({ kind }: Token): boolean => kind === 'word' || kind === 'quoted';
  const names = new Set(
    tokenize(sql)
      .filter(isName)
      .map(({ value }) => value),
  );
  names.delete(own);
  return names;
}

function standingOn(name: string, uses: Uses, relations: Survey['relations']): readonly string[] {
  const found = new Set([name]);
  for (const each of found) {
    for (const [other, names] of uses) {
      const kind = relations.get(other);
      if (kind !== undefined && isView(kind) && names.has(each)) found.add(other);
    }
  }
  found.delete(name);
  return [...found];
}

/** The plan as lines for people; what is kept is one line, by number. */
export function describePlan(steps: readonly Step[]): readonly string[] {
  const kept = steps.filter(({ action }) => action === 'keep').length;
  const told = steps.filter(({ action }) => action !== 'keep');
  const lines = told.map(({ action, kind, name, with: others, why }) => {
    const more = others.length > 0 ? `, and with it ${others.join(', ')}` : '';
    return `${action.padEnd(8)}${kind} ${name}${more}${why === '' ? '' : `: ${why}`}`;
  });
  return kept > 0
    ? [...lines, `keep    ${kept} that ${kept === 1 ? 'is' : 'are'} as they should be`]
    : lines;
}

/** The statements of what is created or replaced, as they would be sent. */
export function statementsOf(steps: readonly Step[], wanted: Wanted): readonly string[] {
  return steps
    .filter(({ action }) => action === 'create' || action === 'replace')
    .flatMap(({ name }) => wanted.get(name) ?? [])
    .map(({ sql }: Definition) => `${sql};`);
}
