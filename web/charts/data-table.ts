import { select } from 'd3';
import type { Row } from '../../client/rows.ts';
import type { Column } from '../../protocol/update.ts';
import { textOf } from '../rendering.ts';

/**
 * The rows of any view as a table, in the order given. Given the table that an earlier call returned
 * it changes that one.
 */
export function dataTable(
  columns: readonly Column[],
  rows: readonly Row[],
  previous: HTMLTableElement = emptyTable(),
): HTMLTableElement {
  const table = select(previous);
  table
    .select('thead tr')
    .selectAll('th')
    .data(columns)
    .join('th')
    .attr('scope', 'col')
    .attr('title', ({ type }) => type)
    .text(({ name }) => name);
  table
    .select('tbody')
    .selectAll('tr')
    .data(rows)
    .join('tr')
    .selectAll('td')
    .data((row) => row)
    .join('td')
    .attr('dir', 'auto')
    .classed('null', (value) => value === null)
    .text(textOf);
  return previous;
}

function emptyTable(): HTMLTableElement {
  const table = document.createElement('table');
  table.className = 'data';
  table.createTHead().insertRow();
  table.createTBody();
  return table;
}
