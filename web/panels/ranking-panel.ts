import type { Frontier } from '../../protocol/update.ts';
import type { Announcer } from '../announcer.ts';
import { barRace } from '../charts/bar-race.ts';
import { leaderTable } from '../charts/leader-table.ts';
import { type Motion, STILL } from '../charts/motion.ts';
import { element, showNote, showTime } from '../elements.ts';
import { formatCount } from '../format.ts';
import type { Leader } from '../leaders.ts';
import { measureIn } from '../measure.ts';
import { nameText } from '../name-text.ts';

/** The ranking: a race of bars, the same as a table, and who leads to be heard. */
export class RankingPanel {
  readonly #chart = element('chart', HTMLElement);
  readonly #announcer: Announcer;
  /** Asked for when they change only: asking makes the browser lay out at once. */
  #size = { width: 0, height: 0 };
  #measure = measureIn('sans-serif');
  #bars: SVGSVGElement | undefined;
  #leaders: readonly Leader[] = [];
  #slots = 10;
  #announced = '';
  #tableWaits = false;

  constructor(announcer: Announcer) {
    this.#announcer = announcer;
    this.#look();
    new ResizeObserver(() => {
      this.#look();
      if (this.#bars !== undefined) this.#draw(STILL);
    }).observe(this.#chart);
  }

  /** What is on show, best first. */
  get leaders(): readonly Leader[] {
    return this.#leaders;
  }

  show(leaders: readonly Leader[], slots: number, motion: Motion): void {
    this.#leaders = leaders.slice(0, slots);
    if (slots !== this.#slots) {
      this.#slots = slots;
      this.#chart.dataset.slots = String(slots);
      this.#look();
    }
    this.#draw(motion);
    this.showNote(leaders.length === 0 ? 'Nothing has been counted yet.' : '');
    this.#tableWaits = true;
    // What does not move has no next picture that it would have to share.
    if (motion.reachMs === 0) this.drawTable();
  }

  /** Whether the table is still to follow the chart. */
  get tableWaits(): boolean {
    return this.#tableWaits;
  }

  /** Brings the table, and what is said, to what the chart shows. */
  drawTable(): void {
    if (!this.#tableWaits) return;
    this.#tableWaits = false;
    const [body] = element('leaders', HTMLTableElement).tBodies;
    if (body !== undefined) leaderTable(this.#leaders, body);
    this.#announceOrder();
  }

  showTime(asOf: Frontier | undefined): void {
    showTime(element('leaders-as-of', HTMLTimeElement), asOf);
  }

  /** There is nothing to show, and why. */
  refuse(text: string): void {
    if (this.#leaders.length > 0) this.show([], this.#slots, STILL);
    this.showNote(text);
  }

  showNote(text: string): void {
    showNote(element('note', HTMLElement), text);
  }

  /** Says who leads when the order of the first three changes, which numbers alone do not. */
  #announceOrder(): void {
    const first = this.#leaders.slice(0, 3);
    const order = first.map(({ key }) => key).join();
    if (order === this.#announced) return;
    this.#announced = order;
    const places = first.map(
      ({ name, count }, rank) => `${rank + 1}: ${nameText(name)}, ${formatCount(count)}`,
    );
    this.#announcer.announce(places.join('; '));
  }

  #look(): void {
    this.#size = { width: this.#chart.clientWidth, height: this.#chart.clientHeight };
    this.#measure = measureIn(getComputedStyle(this.#chart).fontFamily);
  }

  #draw(motion: Motion): void {
    if (this.#bars === undefined) {
      this.#bars = barRace(this.#leaders, this.#slots, this.#size, this.#measure);
      this.#chart.replaceChildren(this.#bars);
    } else {
      barRace(this.#leaders, this.#slots, this.#size, this.#measure, motion, this.#bars);
    }
  }
}
