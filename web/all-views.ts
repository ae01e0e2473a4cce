import type { Client } from '../client/client.ts';
import { sortRows } from '../client/sorted.ts';
import { fetchCatalogue, type ListedView } from './catalogue.ts';
import { barRace } from './charts/bar-race.ts';
import { dataTable } from './charts/data-table.ts';
import { lineChart } from './charts/line-chart.ts';
import { letScroll } from './elements.ts';
import { type Drawing, Follow, type FollowEnvironment } from './follow.ts';
import { formatCount } from './format.ts';
import { measureIn } from './measure.ts';
import { motionFor } from './pace.ts';
import { type Rendering, renderingOf } from './rendering.ts';

/** Larger views are not fetched without being asked for. */
const MAX_ROWS = 2_000;
const TABLE_ROWS = 100;
const BARS = 20;
/** No faster than tables can be read. */
const EVERY_MS = 250;

/** What showing any view needs. */
export interface ViewsHost {
  readonly client: Client;
  readonly environment: FollowEnvironment;
  /** Opens what there is to know of a view. */
  inspect(view: string, follow: Follow): void;
}

/** Fills `list` with all views that the server has now; one that is opened is live. */
export async function showAllViews(host: ViewsHost, list: HTMLElement): Promise<void> {
  const views = await fetchCatalogue();
  const known = new Map(
    [...list.querySelectorAll<HTMLElement>('details')].map((part) => [part.dataset.name, part]),
  );
  const names = views.map(({ name }) => name);
  list.replaceChildren(
    ...views
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((view) => known.get(view.name) ?? entry(host, view)),
  );
  for (const view of views) {
    const summary = list.querySelector(`[data-name="${CSS.escape(view.name)}"] .size`);
    if (summary !== null) summary.textContent = sizeOf(view);
  }
  list.dataset.count = String(names.length);
}

function sizeOf({ rows, viewers }: ListedView): string {
  const hold = rows === 1 ? '1 row' : `${formatCount(rows)} rows`;
  return viewers === 0 ? hold : `${hold}, ${formatCount(viewers)} watching`;
}

function entry(host: ViewsHost, view: ListedView): HTMLElement {
  const part = document.createElement('details');
  part.dataset.name = view.name;
  const summary = document.createElement('summary');
  summary.id = `view-${view.name}`;
  const [name, size] = [document.createElement('bdi'), document.createElement('span')];
  name.textContent = view.name;
  size.className = 'size';
  summary.append(name, size);
  const stage = document.createElement('div');
  stage.className = 'view';
  letScroll(stage, summary.id);
  part.append(summary, stage);
  let stop = () => {};
  part.addEventListener('toggle', () => {
    stop();
    stage.replaceChildren();
    stop = part.open ? openView(host, view, stage) : () => {};
  });
  return part;
}

/** Shows a view in `stage` until the returned function is called. */
export function openView(
  host: ViewsHost,
  view: Pick<ListedView, 'name' | 'rows'>,
  stage: HTMLElement,
): () => void {
  if (view.rows <= MAX_ROWS) return followView(host, view.name, stage);
  let stop = () => {};
  const ask = document.createElement('p');
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Fetch all of them';
  button.addEventListener('click', () => {
    stage.replaceChildren();
    stop = followView(host, view.name, stage);
  });
  ask.append(`This view holds ${formatCount(view.rows)} rows. `, button);
  stage.append(ask);
  return () => stop();
}

function followView(host: ViewsHost, view: string, stage: HTMLElement): () => void {
  const drawing = document.createElement('div');
  const about = document.createElement('button');
  about.type = 'button';
  about.className = 'info';
  about.setAttribute('aria-label', `About ${view}`);
  stage.append(about, drawing);
  const draw = drawer(drawing);
  let scheduled = false;
  const follow: Follow = new Follow(
    host.client,
    [{ view }],
    host.environment,
    () => {
      if (scheduled) return;
      scheduled = true;
      requestAnimationFrame(() => {
        scheduled = false;
        const taken = follow.take(view);
        if (taken !== null) draw(taken);
      });
    },
    EVERY_MS,
  );
  about.addEventListener('click', () => host.inspect(view, follow));
  return () => follow.close();
}

/**
 * Draws a view into `stage` as suits its rows, each time anew where that changes. Beside a picture
 * stands the same as a table, for those who cannot see it.
 */
function drawer(stage: HTMLElement): (drawing: Drawing) => void {
  let shown: { readonly kind: string; readonly node: Element } | null = null;
  const words = document.createElement('div');
  return (drawing) => {
    const { rows, columns } = drawing;
    const rendering = renderingOf(columns, rows);
    const previous = shown?.kind === rendering.kind ? shown.node : undefined;
    const node = draw(rendering, drawing, stage, previous);
    if (rendering.kind === 'table') words.className = '';
    else words.className = 'visually-hidden';
    const [by] = columns;
    const first =
      by === undefined ? [] : sortRows(rows, columns, { by: by.name, limit: TABLE_ROWS });
    if (rendering.kind !== 'number') {
      const [table] = words.getElementsByTagName('table');
      words.replaceChildren(dataTable(columns, first, table));
    }
    if (node !== previous || shown === null) stage.replaceChildren(node, words);
    shown = { kind: rendering.kind, node };
  };
}

const reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');

function draw(
  rendering: Rendering,
  { rows, behind, intervalMs }: Drawing,
  stage: HTMLElement,
  previous: Element | undefined,
): Element {
  const width = stage.clientWidth;
  const svg = previous instanceof SVGSVGElement ? previous : undefined;
  switch (rendering.kind) {
    case 'number': {
      const node = previous ?? document.createElement('p');
      node.className = 'single';
      node.textContent = formatCount(rendering.value);
      return node;
    }
    case 'series':
      return lineChart(rendering.points, { width, height: 220 }, svg);
    case 'bars': {
      const slots = Math.min(BARS, Math.max(3, rendering.leaders.length));
      const size = { width, height: 34 + 26 * slots };
      const [hidden, reduced] = [document.hidden, reducedMotion.matches];
      const motion = motionFor({ behind, intervalMs, hidden, reduced });
      const measure = measureIn(getComputedStyle(stage).fontFamily);
      return barRace(rendering.leaders, slots, size, measure, motion, svg);
    }
    case 'table': {
      const node = previous ?? document.createElement('p');
      const shownRows = Math.min(rows.length, TABLE_ROWS);
      node.textContent =
        shownRows < rows.length
          ? `The first ${shownRows} of ${formatCount(rows.length)} rows`
          : rows.length === 0
            ? 'No rows'
            : '';
      return node;
    }
  }
}
