import { viewNames } from './catalogue.ts';
import type { Motion } from './charts/bar-race.ts';
import { statusOf } from './connection-status.ts';
import { bindDisclosure } from './disclosure.ts';
import { countOf, leadersOf } from './leaders.ts';
import { motionFor } from './pace.ts';
import { element, Page } from './page.ts';
import { type Source, sourceOf } from './source.ts';
import type { Connection } from './stream.ts';
import type { Row } from './stream-message.ts';
import { bindTheme } from './theme.ts';
import { ViewFeed } from './view-feed.ts';

// Batches move the feeds as they arrive; all that moved is drawn once before the next picture. A
// hidden page draws nothing, and catches up without motion when it is seen again.

const page = new Page(document.documentElement);
const reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');
const counter = follow('counter');
const top10 = follow('top10');
let input: ViewFeed | undefined;
let source: Source | null = null;
let scheduled = false;
let serverThere = false;

function follow(view: string): ViewFeed {
  return new ViewFeed(
    {
      open: (connection) => open(view, connection),
      random: Math.random,
      now: () => performance.now(),
      after: (ms, then) => {
        const timer = setTimeout(then, ms);
        return () => clearTimeout(timer);
      },
    },
    schedule,
  );
}

/** Addresses are relative to the page, so that it also works below a path of a reverse proxy. */
function open(view: string, connection: Connection): () => void {
  const url = new URL(`api/stream/${encodeURIComponent(view)}`, document.baseURI);
  url.protocol = url.protocol.replace('http', 'ws');
  const socket = new WebSocket(url);
  socket.onmessage = (event) => connection.message(event.data);
  socket.onclose = () => connection.closed();
  return () => socket.close();
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    draw();
  });
}

function draw(): void {
  if (input !== undefined && input.behind > 0) source = sourceOf(input.takeRows());
  page.showSource(source);
  greetServer();
  drawFeed(counter, countOf, (count, motion) => page.showCount(count, counter.timestamp, motion));
  drawFeed(top10, leadersOf, (leaders, motion) =>
    page.showLeaders(leaders, top10.timestamp, motion),
  );
  showStatus();
}

function drawFeed<Content>(
  feed: ViewFeed,
  parse: (rows: readonly Row[]) => Content,
  show: (content: Content, motion: Motion) => void,
): void {
  const { behind, intervalMs } = feed;
  if (behind === 0) return;
  let content: Content;
  try {
    content = parse(feed.takeRows());
  } catch (error) {
    page.showNote(`This view cannot be shown here: ${error instanceof Error ? error.message : ''}`);
    return;
  }
  const [hidden, reduced] = [document.hidden, reducedMotion.matches];
  show(content, motionFor({ behind, intervalMs, hidden, reduced }));
}

function showStatus(): void {
  const quietMs = performance.now() - Math.max(counter.lastBatchMs, top10.lastBatchMs);
  page.showStatus(statusOf([counter.state, top10.state], source, quietMs));
}

/**
 * The badge's view may be missing, and a socket cannot say so: the catalogue is asked, once for each
 * time that the server came (back).
 */
async function followInput(): Promise<void> {
  const answer = await fetch(new URL('api/views', document.baseURI));
  if (!answer.ok || !viewNames(await answer.json()).has('input')) return;
  input ??= follow('input');
}

function greetServer(): void {
  const there = counter.state === 'live';
  if (there && !serverThere && input === undefined) {
    followInput().catch(() => {
      // Without the catalogue there is no badge; that the server is away again is told by the streams.
    });
  }
  serverThere = there;
}

function feeds(): ViewFeed[] {
  return input === undefined ? [counter, top10] : [counter, top10, input];
}

bindTheme(element('theme', HTMLButtonElement), document.documentElement, () => localStorage);
bindDisclosure(element('as-table', HTMLButtonElement), element('table', HTMLElement));
// A connection from before the network went may be dead without saying so.
addEventListener('online', () => {
  for (const feed of feeds()) feed.restart();
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) for (const feed of feeds()) feed.wake();
});
// Silence makes no event, and only its length tells a stale page.
setInterval(showStatus, 1_000);
