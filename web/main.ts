import { connect } from '../client/client.ts';
import type { Row } from '../client/rows.ts';
import type { Motion } from './charts/bar-race.ts';
import { statusOf } from './connection-status.ts';
import { bindDisclosure } from './disclosure.ts';
import { Follow } from './follow.ts';
import { countOf, leadersOf } from './leaders.ts';
import { motionFor } from './pace.ts';
import { element, Page } from './page.ts';
import { type Source, sourceOf } from './source.ts';
import { bindTheme } from './theme.ts';

// Batches move what is held as they arrive; all that moved is drawn once before the next picture. A
// hidden page draws nothing, and catches up without motion when it is seen again.

const page = new Page(document.documentElement);
const reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');
// Relative to the page, so that it also works below a path of a reverse proxy.
const client = connect(new URL('api/v1', document.baseURI));
const environment = {
  now: () => performance.now(),
  after: (ms: number, then: () => void) => setTimeout(then, ms),
};
let source: Source | null = null;
let scheduled = false;
const counts = new Follow(client, ['counter', 'top10'], environment, schedule);
const input = new Follow(client, ['input'], environment, schedule);

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    draw();
  });
}

function draw(): void {
  const from = input.take('input');
  if (from !== null) source = sourceOf(from.rows);
  // Without the view there is no badge.
  if (input.state === 'refused') source = null;
  page.showSource(source);
  drawView('counter', countOf, (count, motion) => page.showCount(count, motion));
  drawView('top10', leadersOf, (leaders, motion) => page.showLeaders(leaders, motion));
  page.showTimes(counts.time('counter'), counts.time('top10'));
  page.showStatus(statusOf(counts.state, counts.time('counter') !== undefined, source));
}

function drawView<Content>(
  view: string,
  parse: (rows: readonly Row[]) => Content,
  show: (content: Content, motion: Motion) => void,
): void {
  const drawing = counts.take(view);
  if (drawing === null) return;
  let content: Content;
  try {
    content = parse(drawing.rows);
  } catch (error) {
    page.showNote(`This view cannot be shown here: ${error instanceof Error ? error.message : ''}`);
    return;
  }
  const { behind, intervalMs } = drawing;
  const [hidden, reduced] = [document.hidden, reducedMotion.matches];
  show(content, motionFor({ behind, intervalMs, hidden, reduced }));
}

bindTheme(element('theme', HTMLButtonElement), document.documentElement, () => localStorage);
bindDisclosure(element('as-table', HTMLButtonElement), element('table', HTMLElement));
