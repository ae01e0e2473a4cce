import type { Frontier } from '../../protocol/update.ts';
import { changeList } from '../charts/change-list.ts';
import { element, letScroll, showNote, showTime } from '../elements.ts';
import type { Change } from '../latest.ts';

/** More are not read before they are gone. */
const SHOWN = 20;

/** The newest changes, as they come in. */
export class LatestPanel {
  readonly #list = element('latest', HTMLOListElement);
  readonly #note = element('latest-note', HTMLElement);

  constructor() {
    letScroll(element('latest-stage', HTMLElement), 'latest-title');
  }

  show(changes: readonly Change[], linked: boolean): void {
    for (const bone of this.#list.querySelectorAll('.bone')) bone.remove();
    changeList(changes.slice(0, SHOWN), linked, this.#list);
    showNote(this.#note, changes.length === 0 ? 'None of these among the newest changes.' : '');
  }

  showTime(asOf: Frontier | undefined): void {
    showTime(element('latest-as-of', HTMLTimeElement), asOf);
  }
}
