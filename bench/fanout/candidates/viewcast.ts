import { rowText } from '../../../protocol/row.ts';
import type { Views } from '../../../server/channel/view.ts';
import { serveViews } from '../../../server/serve-views.ts';
import { View } from '../../../server/view/view.ts';
import { COLUMNS, ROWS, replacedRowOf, rowOf, timeOf, VIEW } from '../workload.ts';
import { type Access, BatchNumbers, type Candidate } from './candidate.ts';

/** Serves on a free port; the limits of addresses are off for this machine's own. */
export const SERVE = {
  host: '127.0.0.1',
  port: 0,
  web: '',
  origins: [],
  trustedProxies: [],
  connectionsPerAddress: 50,
  failed: (path: string, error: unknown) => {
    console.error(path, error);
  },
};

/** How `ws /api/v1` is reached: before any batch comes the whole view. */
export const SESSION = {
  protocol: 'session',
  path: '/api/v1',
  greeting: 1,
  check: 'session',
  merges: true,
  acknowledges: true,
} as const;

/** How a seed-compatible stream is reached. */
export const STREAM = {
  protocol: 'websocket',
  path: `/api/stream/${VIEW}`,
  greeting: 1,
  check: 'stream',
  merges: false,
} as const;

/** A server's list of views that holds this one. */
export const onlyView = (view: View): Views => ({
  get: (name) => (name === view.name ? view : undefined),
  all: () => [view],
  watch: () => () => {},
});

/** Viewcast's sessions. */
export const startSessions = (): Candidate => serve(SESSION);

/** Viewcast's streams. */
export const startStreams = (): Candidate => serve(STREAM);

/** Viewcast from a real View on, fed in process; the rows are stringified as the upstream does. */
function serve(access: Omit<Access, 'port'>): Candidate {
  const view = new View(VIEW);
  view.start(
    { identity: 'bench', object: 'u1', columns: COLUMNS },
    { snapshot: true, caughtUpAbove: null },
  );
  for (let n = 1 - ROWS; n <= 0; n++) {
    view.update({ row: rowText(rowOf(n)), time: timeOf(0), diff: 1 });
  }
  view.progress(timeOf(0) + 1);
  const serving = serveViews(onlyView(view), SERVE);
  const numbers = new BatchNumbers();
  return {
    access: { ...access, port: serving.port },
    publish: (batches) => {
      for (const n of numbers.next(batches)) feed(view, n);
    },
    close: () => serving.close(),
  };
}

function feed(view: View, n: number): void {
  const time = timeOf(n);
  view.update({ row: rowText(replacedRowOf(n)), time, diff: -1 });
  view.update({ row: rowText(rowOf(n)), time, diff: 1 });
  view.progress(time + 1);
}
