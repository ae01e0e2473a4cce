import type { Frontier } from '../protocol/update.ts';
import { formatClock } from './format.ts';

/**
 * The element of index.html with this id.
 *
 * @throws {Error} when there is none of this kind.
 */
export function element<Kind extends Element>(id: string, kind: abstract new () => Kind): Kind {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`index.html should have a ${kind.name} with id ${id}, found ${found?.nodeName}`);
}

/**
 * Sets the text of a node. One that is the same is left alone, and one that is there is changed in
 * its place: a new one would make the browser build and lay out more than the line.
 */
export function setText(node: Node, text: string): void {
  const { firstChild: first } = node;
  if (!(first instanceof Text) || first.nextSibling !== null) node.textContent = text;
  else if (first.data !== text) first.data = text;
}

/** Says up to which moment something holds. */
export function showTime(node: HTMLTimeElement, asOf: Frontier | undefined): void {
  if (asOf === undefined) return;
  node.dataset.timestamp = String(asOf);
  if (asOf === 'end') {
    setText(node, 'final');
    return;
  }
  const time = new Date(asOf);
  node.dateTime = time.toISOString();
  setText(node, `as of ${formatClock(time)}`);
}

/** A sentence in the place of what there is nothing of; '' takes it away. */
export function showNote(note: HTMLElement, text: string): void {
  setText(note, text);
  note.hidden = text === '';
}

/** Lets whoever has no pointer scroll a part with the keyboard. */
export function letScroll(part: HTMLElement, labelledBy: string): void {
  part.tabIndex = 0;
  part.role = 'group';
  part.setAttribute('aria-labelledby', labelledBy);
}
