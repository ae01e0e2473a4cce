import { select } from 'd3';
import { formatCount } from '../format.ts';
import type { Leader } from '../leaders.ts';
import { KIND_TEXT, nameText } from '../name-text.ts';
import { write } from './write.ts';

/**
 * The same ranking as the chart's, as the body of a table: rank, name, kind, count. Given the body that
 * an earlier call returned it changes that one.
 */
export function leaderTable(
  leaders: readonly Leader[],
  previous: HTMLTableSectionElement = document.createElement('tbody'),
): HTMLTableSectionElement {
  const rows = select(previous)
    .selectAll<HTMLTableRowElement, Leader>('tr')
    .data(leaders, (leader) => leader.key)
    .join((enter) => {
      const row = enter.append('tr');
      row.append('td').attr('class', 'rank');
      row.append('th').attr('scope', 'row').attr('dir', 'auto');
      row.append('td').attr('class', 'kind');
      row.append('td').attr('class', 'count');
      return row;
    })
    .order();
  rows.select('.rank').each(write((_, rank) => String(rank + 1)));
  rows.select('th').each(write(({ name }) => nameText(name)));
  rows.select('.kind').each(write(({ kind }) => (kind === null ? '' : KIND_TEXT[kind])));
  rows.select('.count').each(write(({ count }) => formatCount(count)));
  return previous;
}
