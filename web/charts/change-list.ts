import { select } from 'd3';
import { formatDelta } from '../format.ts';
import type { Change } from '../latest.ts';
import { KIND_TEXT, nameText } from '../name-text.ts';

/**
 * The newest changes as a list in the order given: bytes, title, user, wiki. Given the list that an
 * earlier call returned it changes that one, line by line in its place: nothing moves under the
 * reader's eyes or pointer.
 *
 * @param linked whether titles lead to the wiki
 */
export function changeList(
  changes: readonly Change[],
  linked: boolean,
  previous: HTMLOListElement = document.createElement('ol'),
): HTMLOListElement {
  const items = select(previous)
    .selectAll<HTMLLIElement, Change>('li.change')
    .data(changes)
    .join((enter) => {
      const item = enter.append('li').attr('class', 'change');
      item.append('span').attr('class', 'delta');
      item.append('bdi').attr('class', 'title').append('a').attr('rel', 'noopener');
      const by = item.append('span').attr('class', 'by');
      by.append('i').attr('aria-hidden', 'true');
      by.append('span').attr('class', 'visually-hidden');
      by.append('bdi').attr('class', 'user');
      by.append('span').attr('class', 'wiki');
      return item;
    });
  items
    .select('.delta')
    .attr('class', ({ delta }) => `delta ${signOf(delta)}`)
    .text(({ delta, type }) => (delta === null ? type || 'change' : formatDelta(delta)));
  items
    .select('.title')
    .attr('title', ({ title }) => title)
    .select('a')
    .attr('href', ({ url }) => (linked ? url : null))
    .text(({ title }) => nameText(title));
  items.select('i').attr('class', ({ kind }) => (kind === null ? '' : `mark ${kind}`));
  items.select('.visually-hidden').text(({ kind }) => (kind === null ? '' : `${KIND_TEXT[kind]} `));
  items
    .select('.user')
    .attr('title', ({ user }) => user)
    .text(({ user }) => nameText(user));
  items.select('.wiki').text(({ wiki }) => wiki);
  return previous;
}

function signOf(delta: number | null): string {
  if (delta === null) return 'none';
  if (delta === 0) return 'same';
  return delta < 0 ? 'less' : 'more';
}
