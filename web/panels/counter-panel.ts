import type { Frontier } from '../../protocol/update.ts';
import type { Motion } from '../charts/motion.ts';
import { odometer } from '../charts/odometer.ts';
import { element, setText, showTime } from '../elements.ts';
import { formatCount } from '../format.ts';
import type { Count } from '../leaders.ts';
import type { Source } from '../source.ts';

const WHAT: Record<Source['kind'], string> = {
  live: 'changes to Wikimedia’s wikis',
  recorded: 'recorded changes to Wikimedia’s wikis',
  generated: 'generated changes, for show',
};

/** The counter of all changes, as rolling digits and as a number to read. */
export class CounterPanel {
  readonly #counter = element('counter', HTMLDataElement);
  readonly #odometer = element('odometer', HTMLElement);
  #wheels: HTMLElement | undefined;

  show(count: Count | null, motion: Motion): void {
    const shown = count ?? 0;
    this.#counter.value = String(shown);
    setText(this.#counter, formatCount(shown));
    // A font that always leaves room for all digits (charts/odometer.css).
    this.#odometer.style.setProperty('--letters', String(formatCount(shown).length));
    this.#roll(shown, motion);
  }

  /** Takes the part away where there is no counter. */
  hide(isMissing: boolean): void {
    const part = this.#odometer.closest('section');
    if (part !== null) part.hidden = isMissing;
  }

  showTime(asOf: Frontier | undefined): void {
    showTime(element('counter-as-of', HTMLTimeElement), asOf);
  }

  showSource(source: Source | null): void {
    setText(element('what', HTMLElement), source === null ? 'changes' : WHAT[source.kind]);
  }

  /** Wheels turn by fractions, which a double beyond 2^53 no longer has: such a count stands still. */
  #roll(count: Count, motion: Motion): void {
    if (typeof count === 'bigint' || count < 0) {
      this.#odometer.replaceChildren(formatCount(count));
      this.#wheels = undefined;
      return;
    }
    const wheels = odometer(count, motion.reachMs, this.#wheels);
    if (this.#wheels === undefined) this.#odometer.replaceChildren(wheels);
    this.#wheels = wheels;
  }
}
