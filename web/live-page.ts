import type { Client } from '../client/client.ts';
import type { Frontier } from '../protocol/update.ts';
import { Announcer } from './announcer.ts';
import type { Motion } from './charts/motion.ts';
import { type Choice, latestOf, rankingOf, titleOf, type Wanted } from './choice.ts';
import { lagOf, stateOf } from './connection-status.ts';
import { element } from './elements.ts';
import { type Drawing, Follow, type FollowEnvironment } from './follow.ts';
import { latestChanges } from './latest.ts';
import { type Count, countOf, leaderColumns, leadersOf } from './leaders.ts';
import { motionFor } from './pace.ts';
import { CounterPanel } from './panels/counter-panel.ts';
import { LatestPanel } from './panels/latest-panel.ts';
import { PausePanel } from './panels/pause-panel.ts';
import { RankingPanel } from './panels/ranking-panel.ts';
import { RatePanel } from './panels/rate-panel.ts';
import { StatusPanel } from './panels/status-panel.ts';
import { rateOf } from './rate.ts';
import { type Source, sourceOf } from './source.ts';
import type { Inspected } from './view-dialog.ts';

/** The parts of the page that can stand alone in a frame. */
export type Part = 'counter' | 'rate' | 'ranking' | 'latest' | 'view';

/** A reader cannot take in more than one list of changes a second. */
const LATEST_EVERY_MS = 1_000;
const LAG_EVERY_MS = 1_000;

/**
 * The page as it follows the server. Batches move what is held as they arrive; all that moved is
 * drawn once before the next picture. A hidden page draws nothing, and catches up without motion
 * when it is seen again; a paused one catches up in one step.
 */
export class LivePage {
  readonly #client: Client;
  readonly #environment: FollowEnvironment;
  readonly #reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');
  readonly #counter = new CounterPanel();
  readonly #rate = new RatePanel();
  readonly #latest = new LatestPanel();
  readonly #pause = new PausePanel(() => this.#schedule());
  readonly #ranking: RankingPanel;
  readonly #status: StatusPanel;
  readonly #input: Follow;
  readonly #counts: Follow;
  readonly #perSecond: Follow | null;
  #choice: Choice;
  /** The ranking on show, where it is not the one that comes with the counter. */
  #filtered: { readonly wanted: Wanted; readonly follow: Follow } | null = null;
  #changes: Follow | null;
  #source: Source | null = null;
  #count: Count | null = null;
  #shownAt: Frontier | undefined;
  #scheduled = false;
  #restIsNext = false;

  /** @param part the only one on show; null shows the whole page */
  constructor(
    client: Client,
    root: HTMLElement,
    environment: FollowEnvironment,
    choice: Choice,
    part: Part | null,
  ) {
    this.#client = client;
    this.#environment = environment;
    this.#choice = choice;
    const announcer = new Announcer({
      ...environment,
      say: (text) => {
        element('announcements', HTMLElement).textContent = text;
      },
    });
    this.#ranking = new RankingPanel(announcer);
    this.#status = new StatusPanel(root, announcer);
    // A Materialize of somebody else's may have fewer of our views.
    const [counter, top20, top10] = [{ view: 'counter' }, { view: 'top20' }, { view: 'top10' }];
    const otherwise = [[counter, top10], [top20], [top10]];
    this.#counts = this.#follow([counter, top20], undefined, otherwise);
    this.#input = this.#follow([{ view: 'input' }]);
    // Only what is on show is asked for.
    const shows = (one: Part) => part === null || part === one;
    this.#perSecond = shows('rate') ? this.#follow([{ view: 'persecond' }]) : null;
    this.#changes = shows('latest') ? this.#followLatest() : null;
    this.#followRanking();
    setInterval(() => this.#schedule(), LAG_EVERY_MS);
  }

  /** Shows something else; what is on show stays until that is there. */
  choose(choice: Choice): void {
    const before = this.#choice;
    this.#choice = choice;
    const isOther = choice.kind !== before.kind || choice.wiki !== before.wiki;
    if (this.#changes !== null && isOther) {
      this.#changes.close();
      this.#changes = this.#followLatest();
    }
    this.#followRanking();
    this.reconsider();
    this.#schedule();
  }

  /** Looks whether there are views by now that it had to do without. */
  reconsider(): void {
    this.#counts.reconsider();
  }

  /** A part of the page as it stands, and which view it shows. */
  inspect(part: string): { readonly view: string } & Inspected {
    const { follow, view } = this.#ranked();
    switch (part) {
      case 'rate':
        return about('Changes a second', this.#perSecond, 'persecond');
      case 'latest':
        return about('Recent changes', this.#changes, 'latest');
      case 'ranking':
        return { ...about(titleOf(this.#choice), follow, view), leaders: this.#ranking.leaders };
      default:
        return about('Changes', this.#counts, 'counter');
    }
  }

  #follow(
    wanted: readonly Wanted[],
    everyMs?: number,
    otherwise?: readonly (readonly Wanted[])[],
  ): Follow {
    const changed = () => this.#schedule();
    return new Follow(this.#client, wanted, this.#environment, changed, everyMs, otherwise);
  }

  #followLatest(): Follow {
    return this.#follow([latestOf(this.#choice)], LATEST_EVERY_MS);
  }

  #followRanking(): void {
    const wanted = rankingOf(this.#choice);
    if (JSON.stringify(wanted) !== JSON.stringify(this.#filtered?.wanted ?? null)) {
      this.#filtered?.follow.close();
      this.#filtered = wanted === null ? null : { wanted, follow: this.#follow([wanted]) };
    }
    const { follow, view } = this.#ranked();
    follow.touch(view);
  }

  #ranked(): { readonly follow: Follow; readonly view: string } {
    if (this.#filtered === null) {
      const view = this.#counts.time('top10') === undefined ? 'top20' : 'top10';
      return { follow: this.#counts, view };
    }
    return { follow: this.#filtered.follow, view: this.#filtered.wanted.view };
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  #draw(): void {
    this.#drawSource();
    if (this.#restIsNext) this.#drawRest();
    else if (this.#pause.paused) this.#pause.show(this.#behind());
    else this.#drawRows();
    this.#drawState();
  }

  /** What is read, not watched: it takes turns with what moves, as one picture is not for all. */
  #drawRest(): void {
    this.#restIsNext = false;
    this.#ranking.drawTable();
    this.#latest.draw();
    this.#schedule();
  }

  #drawSource(): void {
    const from = this.#input.take('input');
    if (from !== null) this.#source = sourceOf(from.rows);
    // Without the view there is no badge.
    if (this.#input.state === 'refused') this.#source = null;
    this.#status.showSource(this.#source);
    this.#counter.showSource(this.#source);
  }

  #drawRows(): void {
    const counter = this.#counts.take('counter');
    if (counter !== null) this.#show(() => this.#drawCount(counter));
    const { follow, view } = this.#ranked();
    const ranking = follow.take(view);
    if (ranking !== null) this.#show(() => this.#drawRanking(ranking));
    const seconds = this.#perSecond?.take('persecond') ?? null;
    if (seconds !== null) this.#rate.show(rateOf(seconds.rows, seconds.frontier));
    this.#takeLatest();
    this.#drawTimes(follow.time(view));
    this.#restIsNext = this.#ranking.tableWaits || this.#latest.isDrawing;
    if (this.#restIsNext) this.#schedule();
  }

  #drawCount(drawing: Drawing): void {
    this.#count = countOf(drawing.rows);
    this.#counter.show(this.#count, this.#motion(drawing));
  }

  #drawRanking(drawing: Drawing): void {
    const leaders = leadersOf(drawing.rows, leaderColumns(drawing.columns));
    this.#ranking.show(leaders, this.#choice.top, this.#motion(drawing));
  }

  /** A list that is being drawn is finished first, however slowly pictures come. */
  #takeLatest(): void {
    if (this.#latest.isDrawing) return;
    const latest = this.#changes?.take('latest') ?? null;
    if (latest === null) {
      this.#latest.showTime(this.#changes?.time('latest'));
      return;
    }
    const changes = latestChanges(latest.rows, latest.columns);
    // Invented changes are on no wiki.
    const linked = this.#source !== null && this.#source.kind !== 'generated';
    this.#latest.show({ changes, linked, frontier: latest.frontier });
  }

  #drawTimes(ranking: Frontier | undefined): void {
    const counted = this.#counts.time('counter');
    this.#shownAt = counted ?? ranking;
    this.#counter.showTime(counted);
    const ranked = this.#counts.time('top20') ?? this.#counts.time('top10');
    this.#counter.hide(counted === undefined && ranked !== undefined);
    this.#rate.hide(isMissing(this.#perSecond, 'persecond'));
    this.#latest.refuse(isMissing(this.#changes, 'latest'));
    this.#ranking.showTime(ranking);
    if (ranking === undefined && this.#ranked().follow.state === 'refused') {
      this.#ranking.refuse(`This server has no view ${this.#ranked().view} (yet).`);
    }
  }

  /** A view of other columns than expected is told in the chart's place. */
  #show(draw: () => void): void {
    try {
      draw();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.#ranking.showNote(`This view cannot be shown here: ${error.message}`);
    }
  }

  #drawState(): void {
    const { state: line, receivedMs } = this.#counts;
    const state = stateOf(line, this.#shownAt !== undefined, this.#source);
    const { paused } = this.#pause;
    const nowMs = this.#environment.wall();
    this.#status.showState(
      state,
      lagOf({ state, shown: this.#shownAt, receivedMs, nowMs, paused }),
    );
  }

  #behind(): Count | null {
    const held = countOf(this.#counts.rows('counter'));
    if (typeof held !== 'number' || typeof this.#count !== 'number') return null;
    return Math.max(0, held - this.#count);
  }

  #motion({ behind, intervalMs }: Drawing): Motion {
    const [hidden, reduced] = [document.hidden, this.#reducedMotion.matches];
    return motionFor({ behind, intervalMs, hidden, reduced });
  }
}

/** Whether the server said that it has no such view, and never showed one. */
function isMissing(follow: Follow | null, view: string): boolean {
  return follow?.state === 'refused' && follow.time(view) === undefined;
}

function about(
  title: string,
  follow: Follow | null,
  view: string,
): { readonly view: string } & Inspected {
  return { title, view, snapshot: follow?.snapshot(view) ?? null };
}
