import { local, select } from 'd3';
import { formatDelta } from '../format.ts';
import type { Change } from '../latest.ts';
import { KIND_TEXT, nameText } from '../name-text.ts';
import { write } from './write.ts';

/** What a line shows: the same change again is no work. */
const drawnAs = local<{ readonly change: Change; readonly linked: boolean }>();

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
  items.each(function (change) {
    const drawn = drawnAs.get(this);
    if (drawn?.change === change && drawn.linked === linked) return;
    drawnAs.set(this, { change, linked });
    drawChange(this, change, linked);
  });
  return previous;
}

function drawChange(item: HTMLLIElement, change: Change, linked: boolean): void {
  const { delta, type, title, url, kind, user, wiki } = change;
  const parts = select(item);
  parts
    .select('.delta')
    .attr('class', `delta ${signOf(delta)}`)
    .each(write(() => (delta === null ? type || 'change' : formatDelta(delta))));
  parts
    .select('.title')
    .attr('title', title)
    .select('a')
    .attr('href', linked ? url : null)
    .each(write(() => nameText(title)));
  parts.select('i').attr('class', kind === null ? '' : `mark ${kind}`);
  parts.select('.visually-hidden').each(write(() => (kind === null ? '' : `${KIND_TEXT[kind]} `)));
  parts
    .select('.user')
    .attr('title', user)
    .each(write(() => nameText(user)));
  parts.select('.wiki').each(write(() => wiki));
}

function signOf(delta: number | null): string {
  if (delta === null) return 'none';
  if (delta === 0) return 'same';
  return delta < 0 ? 'less' : 'more';
}
