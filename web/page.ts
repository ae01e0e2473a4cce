import type { Frontier } from '../protocol/update.ts';
import { Announcer } from './announcer.ts';
import type { Size } from './charts/bar-layout.ts';
import { barRace, type Motion, STILL } from './charts/bar-race.ts';
import { leaderTable } from './charts/leader-table.ts';
import { odometer } from './charts/odometer.ts';
import type { ConnectionStatus } from './connection-status.ts';
import { formatClock, formatCount } from './format.ts';
import type { Count, Leader } from './leaders.ts';
import { nameText } from './name-text.ts';
import { badgeText, type Source } from './source.ts';

const WHAT: Record<Source['kind'], string> = {
  live: 'changes to Wikimedia’s wikis',
  recorded: 'recorded changes to Wikimedia’s wikis',
  generated: 'generated changes, for show',
};

/** The page's own elements: the only place that knows index.html. */
export class Page {
  readonly #root: HTMLElement;
  readonly #counter = element('counter', HTMLDataElement);
  readonly #odometer = element('odometer', HTMLElement);
  readonly #chart = element('chart', HTMLElement);
  readonly #note = element('note', HTMLElement);
  readonly #announcer: Announcer;
  #wheels: HTMLElement | undefined;
  #bars: SVGSVGElement | undefined;
  #leaders: readonly Leader[] = [];
  #announced = '';

  constructor(root: HTMLElement) {
    this.#root = root;
    const live = element('announcements', HTMLElement);
    this.#announcer = new Announcer({
      now: () => performance.now(),
      after: (ms, then) => setTimeout(then, ms),
      say: (text) => {
        live.textContent = text;
      },
    });
    new ResizeObserver(() => this.#redraw()).observe(this.#chart);
  }

  showCount(count: Count | null, motion: Motion): void {
    const shown = count ?? 0;
    this.#counter.value = String(shown);
    this.#counter.textContent = formatCount(shown);
    // A font that always leaves room for all digits (styles.css).
    this.#odometer.style.setProperty('--letters', String(formatCount(shown).length));
    this.#roll(shown, motion);
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

  showLeaders(leaders: readonly Leader[], motion: Motion): void {
    this.#leaders = leaders;
    this.#draw(motion);
    const table = element('leaders', HTMLTableElement);
    const [body] = table.tBodies;
    if (body !== undefined) leaderTable(leaders, body);
    this.showNote(leaders.length === 0 ? 'Nothing has been counted yet.' : '');
    this.#announceOrder(leaders);
  }

  /** What moments the counter and the ranking are as of: one, but for a view that is behind. */
  showTimes(counter: Frontier | undefined, leaders: Frontier | undefined): void {
    showTime(element('counter-as-of', HTMLTimeElement), counter);
    showTime(element('leaders-as-of', HTMLTimeElement), leaders);
  }

  /** A sentence in the place of the chart; '' takes it away. */
  showNote(text: string): void {
    this.#note.textContent = text;
    this.#note.hidden = text === '';
  }

  showSource(source: Source | null): void {
    const badge = element('source', HTMLElement);
    badge.hidden = source === null;
    if (source === null) return;
    badge.dataset.kind = source.kind;
    badge.dataset.state = source.state;
    setText(badge, badgeText(source));
    setText(element('what', HTMLElement), WHAT[source.kind]);
  }

  showStatus(status: ConnectionStatus): void {
    setText(element('status', HTMLElement), status.text);
    const before = this.#root.dataset.connection;
    if (status.state === before) return;
    this.#root.dataset.connection = status.state;
    if (before !== 'connecting') this.#announcer.announce(status.text);
  }

  /** Says who leads when the order of the first three changes, which numbers alone do not. */
  #announceOrder(leaders: readonly Leader[]): void {
    const order = leaders.slice(0, 3).map(({ key }) => key);
    if (order.join() === this.#announced) return;
    this.#announced = order.join();
    const places = leaders
      .slice(0, 3)
      .map(({ name, count }, rank) => `${rank + 1}: ${nameText(name)}, ${formatCount(count)}`);
    this.#announcer.announce(places.join('; '));
  }

  #redraw(): void {
    if (this.#bars !== undefined) this.#draw(STILL);
  }

  #draw(motion: Motion): void {
    const size: Size = { width: this.#chart.clientWidth, height: this.#chart.clientHeight };
    const measure = measureIn(getComputedStyle(this.#chart).fontFamily);
    if (this.#bars === undefined) {
      this.#bars = barRace(this.#leaders, size, measure);
      this.#chart.replaceChildren(this.#bars);
    } else {
      barRace(this.#leaders, size, measure, motion, this.#bars);
    }
  }
}

const canvas = document.createElement('canvas').getContext('2d');

/** Bar labels are set in weight 600 (styles.css). */
function measureIn(family: string): (text: string, fontSize: number) => number {
  return (text, fontSize) => {
    if (canvas === null) return text.length * fontSize * 0.6;
    canvas.font = `600 ${fontSize}px ${family}`;
    return canvas.measureText(text).width;
  };
}

function showTime(node: HTMLTimeElement, asOf: Frontier | undefined): void {
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

/** Leaves a text that is the same alone, as each setting of it is work for the browser. */
function setText(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * The element of index.html with this id.
 *
 * @throws {Error} when there is none of this kind.
 */
export function element<Kind extends HTMLElement>(id: string, kind: abstract new () => Kind): Kind {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`index.html should have a ${kind.name} with id ${id}, found ${found?.nodeName}`);
}
