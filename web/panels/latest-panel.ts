import type { Frontier } from '../../protocol/update.ts';
import { changeList } from '../charts/change-list.ts';
import { element, letScroll, showNote, showTime } from '../elements.ts';
import type { Change } from '../latest.ts';

/** More are not read before they are gone. */
const SHOWN = 20;
/** So many lines at most are changed in one picture: more would make a slow machine stumble. */
const LINES_A_PICTURE = 3;

/** Newest changes to be shown, and whether they lead to their wiki. */
interface List {
  readonly changes: readonly Change[];
  readonly linked: boolean;
  readonly frontier: Frontier;
}

/** The newest changes, as they come in: a new list replaces the old one in some pictures, from the top. */
export class LatestPanel {
  readonly #list = element('latest', HTMLOListElement);
  readonly #note = element('latest-note', HTMLElement);

  #shown: readonly Change[] = [];
  #next: List | null = null;
  /** So many lines are of the next list. */
  #drawn = 0;

  constructor() {
    letScroll(element('latest-stage', HTMLElement), 'latest-title');
  }

  /** Whether lines of the list are still to be drawn. */
  get isDrawing(): boolean {
    return this.#next !== null;
  }

  /** @param list to be shown from now on, in the pictures to come */
  show(list: List): void {
    this.#next = { ...list, changes: list.changes.slice(0, SHOWN) };
    this.#drawn = 0;
  }

  /** Draws the next lines. @returns whether there are more, for the next picture */
  draw(): boolean {
    if (this.#next === null) return false;
    const { changes, linked, frontier } = this.#next;
    this.#drawn += LINES_A_PICTURE;
    const isWhole = this.#drawn >= Math.max(changes.length, this.#shown.length);
    this.#shown = [...changes.slice(0, this.#drawn), ...this.#shown.slice(this.#drawn)];
    for (const bone of this.#list.querySelectorAll('.bone')) bone.remove();
    changeList(this.#shown, linked, this.#list);
    if (!isWhole) return true;
    this.#next = null;
    showNote(this.#note, changes.length === 0 ? 'None of these among the newest changes.' : '');
    this.showTime(frontier);
    return false;
  }

  /** Says that there are none, where there is no such view. */
  refuse(isMissing: boolean): void {
    if (!isMissing) return;
    for (const bone of this.#list.querySelectorAll('.bone')) bone.remove();
    showNote(this.#note, 'This server has no view latest (yet).');
  }

  showTime(asOf: Frontier | undefined): void {
    showTime(element('latest-as-of', HTMLTimeElement), asOf);
  }
}
