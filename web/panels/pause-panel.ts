import { element, setText } from '../elements.ts';
import { formatCount } from '../format.ts';
import type { Count } from '../leaders.ts';

/** Stops the page where it stands; what happens meanwhile is counted, and shown at once after. */
export class PausePanel {
  readonly #button = element('pause', HTMLButtonElement);
  readonly #bar = element('behind', HTMLElement);
  #paused = false;

  /** @param changed called when the reader paused or resumed */
  constructor(changed: () => void) {
    const toggle = () => {
      this.#paused = !this.#paused;
      this.#button.setAttribute('aria-pressed', String(this.#paused));
      this.#bar.hidden = !this.#paused;
      this.show(null);
      changed();
    };
    this.#button.addEventListener('click', toggle);
    element('resume', HTMLButtonElement).addEventListener('click', () => {
      toggle();
      this.#button.focus();
    });
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** How many changes came since the pause; null where that is not known. */
  show(behind: Count | null): void {
    const text = behind === null ? 'Paused' : `Paused, ${formatCount(behind)} changes behind`;
    setText(element('behind-text', HTMLElement), text);
  }
}
