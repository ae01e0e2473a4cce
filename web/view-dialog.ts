import { fetchCatalogue, type ListedView } from './catalogue.ts';
import { paintBars } from './charts/bar-picture.ts';
import { element } from './elements.ts';
import { formatClock, formatCount } from './format.ts';
import type { Leader } from './leaders.ts';
import { measureIn } from './measure.ts';
import { type Snapshot, toCsv, toJson } from './table-text.ts';

/** A part of the page as it stands. */
export interface Inspected {
  readonly title: string;
  /** Null before the first rows. */
  readonly snapshot: Snapshot | null;
  /** What the chart shows, where it can be had as a picture. */
  readonly leaders?: readonly Leader[];
}

/** Opens the dialog about one view: its SQL, who watches, as of when; and its rows to keep. */
export async function openViewDialog(view: string, inspected: Inspected): Promise<void> {
  const dialog = element('about', HTMLDialogElement);
  const facts = paragraph('Asking the server …');
  const sql = document.createElement('pre');
  sql.tabIndex = 0;
  dialog.replaceChildren(heading(dialog, view), facts, sql, ...keep(view, inspected));
  if (!dialog.open) dialog.showModal();
  try {
    const listed = (await fetchCatalogue()).find(({ name }) => name === view);
    facts.textContent = listed === undefined ? 'The server has no such view.' : factsOf(listed);
    sql.textContent = listed?.definition ?? 'The database does not tell how the view is made.';
  } catch (error) {
    facts.textContent = `The server cannot be asked now: ${error instanceof Error ? error.message : ''}`;
  }
}

function factsOf({ viewers, rows, timestamp }: ListedView): string {
  const watch = viewers === 1 ? '1 viewer' : `${formatCount(viewers)} viewers`;
  const hold = rows === 1 ? '1 row' : `${formatCount(rows)} rows`;
  if (typeof timestamp !== 'number') return `${watch}, ${hold}`;
  return `${watch} of ${hold}, all of whom see them as of ${formatClock(new Date(timestamp))} (${timestamp})`;
}

function heading(dialog: HTMLDialogElement, view: string): HTMLElement {
  const bar = document.createElement('div');
  bar.className = 'heading';
  const title = document.createElement('h2');
  title.id = 'about-title';
  title.textContent = view;
  const close = button('Close', () => dialog.close());
  close.autofocus = true;
  bar.append(title, close);
  return bar;
}

function keep(view: string, { title, snapshot, leaders }: Inspected): Node[] {
  const row = document.createElement('div');
  row.className = 'actions';
  if (snapshot !== null) {
    row.append(
      button('CSV', () => save(`${view}.csv`, toCsv(snapshot), 'text/csv')),
      button('JSON', () => save(`${view}.json`, toJson(snapshot), 'application/json')),
    );
  }
  if (leaders !== undefined) row.append(button('PNG', () => savePicture(view, title, leaders)));
  const address = new URL(location.href);
  address.searchParams.set('embed', view);
  const frame = document.createElement('input');
  frame.className = 'snippet';
  frame.readOnly = true;
  frame.value = `<iframe src="${address.href}" width="720" height="480"></iframe>`;
  frame.setAttribute('aria-label', 'HTML that shows this part in another page');
  frame.addEventListener('focus', () => frame.select());
  const stream = new URL(`api/stream/${encodeURIComponent(view)}`, document.baseURI);
  const shell = document.createElement('pre');
  shell.tabIndex = 0;
  shell.textContent = `curl -N ${stream.href}`;
  return [
    label('Keep what is on show'),
    row,
    label('Show it in another page'),
    frame,
    label('Watch it in a terminal'),
    shell,
  ];
}

async function savePicture(view: string, title: string, leaders: readonly Leader[]): Promise<void> {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [1_600, 1_000];
  const context = canvas.getContext('2d');
  if (context === null) return;
  const paint = paintOf();
  const slots = leaders.length > 10 ? 20 : 10;
  const size = { width: canvas.width, height: canvas.height };
  paintBars(context, leaders, slots, size, title, measureIn(paint.family), paint);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'));
  if (blob !== null) save(`${view}.png`, blob, 'image/png');
}

/** The page's own colours at this moment. */
function paintOf(): Parameters<typeof paintBars>[6] {
  const probe = document.createElement('i');
  document.body.append(probe);
  const colour = (name: string) => {
    probe.className = `probe ${name}`;
    return getComputedStyle(probe).color;
  };
  const bars = {
    person: colour('person'),
    bot: colour('bot'),
    anonymous: colour('anonymous'),
    any: colour('person'),
  };
  const rest = { paper: colour('paper'), ink: colour('ink'), soft: colour('soft') };
  const family = getComputedStyle(document.body).fontFamily;
  probe.remove();
  return { ...rest, bars, family };
}

function save(name: string, content: string | Blob, type: string): void {
  const link = document.createElement('a');
  link.download = name;
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function button(text: string, act: () => unknown): HTMLButtonElement {
  const node = document.createElement('button');
  node.type = 'button';
  node.textContent = text;
  node.addEventListener('click', act);
  return node;
}

function paragraph(text: string): HTMLElement {
  const node = document.createElement('p');
  node.textContent = text;
  return node;
}

function label(text: string): HTMLElement {
  const node = document.createElement('h3');
  node.textContent = text;
  return node;
}
