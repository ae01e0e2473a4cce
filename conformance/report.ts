import type { Result } from './runner.ts';

const MARKS = { held: 'held  ', unseen: 'unseen', broken: 'BROKEN' } as const;

/** A result as a line; what is broken has a second one that says how. */
export function resultLine({ check, outcome }: Result): string {
  const line = `${MARKS[outcome.kind]}  ${check.rule}: ${check.name}\n`;
  if (outcome.kind === 'held') return line;
  const rule = outcome.kind === 'broken' && outcome.rule !== check.rule ? `${outcome.rule}: ` : '';
  return `${line}        ${rule}${outcome.why}\n`;
}

/** How many of each, in a sentence. */
export function summaryLine(results: readonly Result[]): string {
  const count = (kind: Result['outcome']['kind']) =>
    results.filter(({ outcome }) => outcome.kind === kind).length;
  return `${count('held')} held, ${count('unseen')} not seen, ${count('broken')} broken\n`;
}
