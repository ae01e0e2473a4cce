import { select } from 'd3';
import { formatClock } from '../format.ts';
import type { Message } from '../messages.ts';
import { nameText } from '../name-text.ts';

/**
 * Messages as a list in the order given: what was said, when, and how long it took. Given the list
 * that an earlier call returned it changes that one.
 */
export function messageList(
  messages: readonly Message[],
  previous: HTMLOListElement = document.createElement('ol'),
): HTMLOListElement {
  const items = select(previous)
    .selectAll<HTMLLIElement, Message>('li')
    .data(messages, (message) => message?.id)
    .join((enter) => {
      const item = enter.append('li').attr('class', 'message');
      item.append('bdi').attr('class', 'said');
      item.append('span').attr('class', 'when');
      return item;
    })
    .order();
  items.select('.said').text(({ value }) => nameText(value));
  items.select('.when').text(({ archivedMs, delayMs }) => {
    const when = Number.isFinite(archivedMs) ? formatClock(new Date(archivedMs)) : '';
    return delayMs === null ? when : `${when}, after ${Math.round(delayMs)} ms`;
  });
  return previous;
}
