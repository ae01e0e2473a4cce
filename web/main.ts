import { connect } from '../client/client.ts';
import { type Choice, DEFAULT_CHOICE, formatChoice, parseChoice } from './choice.ts';
import { bindDisclosure } from './disclosure.ts';
import { element } from './elements.ts';
import { Follow, type FollowEnvironment } from './follow.ts';
import { LivePage } from './live-page.ts';
import { FiltersPanel } from './panels/filters-panel.ts';
import { bindTheme } from './theme.ts';

const root = document.documentElement;
const environment: FollowEnvironment = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, then) => setTimeout(then, ms),
};
/** The wikis on offer change slowly. */
const WIKIS_EVERY_MS = 10_000;

// Relative to the page, so that it also works below a path of a reverse proxy.
const client = connect(new URL('api/v1', document.baseURI));
let choice = parseChoice(location.search);
const page = new LivePage(client, root, environment, choice);
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
if (choice.embed !== DEFAULT_CHOICE.embed) root.dataset.embed = partOf(choice.embed ?? '');
bindDisclosure(element('as-table', HTMLButtonElement), element('table', HTMLElement));
const wikis = new Follow(
  client,
  [{ view: 'topwikis' }],
  environment,
  () => {
    const drawing = wikis.take('topwikis');
    if (drawing !== null) filters.showWikis(drawing.rows);
  },
  WIKIS_EVERY_MS,
);

/** Which part of the page an embedded view is. */
function partOf(view: string): string {
  if (/^(top\d*|leaders.*|useredits)$/.test(view)) return 'ranking';
  return { counter: 'counter', persecond: 'rate', latest: 'latest' }[view] ?? 'ranking';
}
