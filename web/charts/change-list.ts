import { select } from 'd3';
import { formatDelta } from '../format.ts';
import type { Change } from '../latest.ts';
import { KIND_TEXT, nameText } from '../name-text.ts';

/**
 * The newest changes as a list, newest first: bytes, title, user, wiki. Given the list that an
 * earlier call returned it changes that one.
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
    .data(changes, (change) => change?.key)
    .join((enter) => {
      // Where most of the list is new, motion would only flicker.
      const isCalm = enter.size() * 2 < changes.length;
      const item = enter.append('li').attr('class', isCalm ? 'change arriving' : 'change');
      item.each(function (change) {
        build(this, change, linked);
      });
      return item;
    });
  items.order();
  return previous;
}

/** A change never becomes another one: its item is made once. */
function build(node: HTMLLIElement, change: Change, linked: boolean): void {
  const item = select(node);
  const { delta, url, kind } = change;
  const sign = delta === null ? 'none' : delta < 0 ? 'less' : delta > 0 ? 'more' : 'same';
  item
    .append('span')
    .attr('class', `delta ${sign}`)
    .text(delta === null ? change.type || 'change' : formatDelta(delta));
  const title = item.append('bdi').attr('class', 'title').attr('title', change.title);
  if (linked && url !== null) {
    title.append('a').attr('href', url).attr('rel', 'noopener').text(nameText(change.title));
  } else {
    title.text(nameText(change.title));
  }
  const by = item.append('span').attr('class', 'by');
  if (kind !== null) {
    by.append('i').attr('class', `mark ${kind}`).attr('aria-hidden', 'true');
    by.append('span').attr('class', 'visually-hidden').text(`${KIND_TEXT[kind]} `);
  }
  by.append('bdi').attr('class', 'user').attr('title', change.user).text(nameText(change.user));
  by.append('span').attr('class', 'wiki').text(change.wiki);
}
