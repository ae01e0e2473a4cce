import { connect } from '../client/client.ts';
import type { ViewsHost } from './all-views.ts';
import { type Choice, formatChoice, parseChoice } from './choice.ts';
import { bindDisclosure } from './disclosure.ts';
import { element } from './elements.ts';
import { Follow, type FollowEnvironment } from './follow.ts';
import { LivePage, type Part } from './live-page.ts';
import { FiltersPanel } from './panels/filters-panel.ts';
import { bindTheme } from './theme.ts';

const root = document.documentElement;
const environment: FollowEnvironment = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, then) => setTimeout(then, ms),
};
/** The wikis on offer change slowly; a message is told to be archived after all that is followed. */
const WIKIS_EVERY_MS = 1_000;

// Relative to the page, so that it also works below a path of a reverse proxy.
const client = connect(new URL('api/v1', document.baseURI));
let choice = parseChoice(location.search);
const embedded = choice.embed === null ? null : partOf(choice.embed);
const page = new LivePage(client, root, environment, choice, embedded);
const filters = new FiltersPanel((chosen) => navigate({ ...choice, ...chosen }));
const theme = bindTheme(element('theme', HTMLButtonElement), root, () => localStorage);

function navigate(to: Choice): void {
  history.pushState(null, '', `${location.pathname}${formatChoice(to)}`);
  show(to);
}

function show(to: Choice): void {
  choice = to;
  filters.show(choice);
  theme(choice.theme);
  page.choose(choice);
}

addEventListener('popstate', () => show(parseChoice(location.search)));
filters.show(choice);
theme(choice.theme);
if (embedded !== null) root.dataset.embed = embedded;
if (embedded === 'view' && choice.embed !== null) void embedView(choice.embed);
const allViews = element('all-views', HTMLDetailsElement);
/** Views may have come and gone meanwhile. */
const lookAgain = async () => {
  if (document.hidden) return;
  page.reconsider();
  if (!allViews.open) return;
  const { showAllViews } = await import('./all-views.ts');
  await showAllViews(viewsHost, element('views', HTMLElement));
};
const viewsHost: ViewsHost = {
  client,
  environment,
  inspect: async (view, follow) => {
    const { openViewDialog } = await import('./view-dialog.ts');
    await openViewDialog(view, { title: view, snapshot: follow.snapshot(view) });
  },
};
allViews.addEventListener('toggle', lookAgain);
document.addEventListener('visibilitychange', lookAgain);
let archive: Follow | null = null;
if (embedded === null) {
  // Not before the first picture.
  requestAnimationFrame(() =>
    setTimeout(async () => {
      const { showArchive } = await import('./archive.ts');
      archive = showArchive(client, environment);
    }),
  );
}
document.addEventListener('click', async ({ target }) => {
  const part = target instanceof HTMLElement ? target.dataset.about : undefined;
  if (part === undefined) return;
  if (part === 'archive') {
    if (archive !== null) viewsHost.inspect('archive_newest', archive);
    return;
  }
  const { openViewDialog } = await import('./view-dialog.ts');
  const inspected = page.inspect(part);
  await openViewDialog(inspected.view, inspected);
});
bindDisclosure(element('as-table', HTMLButtonElement), element('table', HTMLElement));
if (embedded === null) followWikis();

function followWikis(): void {
  const wikis: Follow = new Follow(
    client,
    [{ view: 'topwikis' }],
    environment,
    () => {
      const drawing = wikis.take('topwikis');
      if (drawing !== null) filters.showWikis(drawing.rows);
    },
    WIKIS_EVERY_MS,
  );
}

async function embedView(name: string): Promise<void> {
  const { openView } = await import('./all-views.ts');
  const stage = element('embedded', HTMLElement);
  stage.hidden = false;
  openView(viewsHost, { name, rows: 0 }, stage);
}

/** Which part of the page an embedded view is. */
function partOf(view: string): Part {
  const parts = new Map<string, Part>([
    ['top10', 'ranking'],
    ['top20', 'ranking'],
    ['leaders', 'ranking'],
    ['counter', 'counter'],
    ['persecond', 'rate'],
    ['latest', 'latest'],
  ]);
  return parts.get(view) ?? 'view';
}
