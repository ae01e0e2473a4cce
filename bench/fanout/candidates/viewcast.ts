import { rowText } from '../../../protocol/row.ts';
import { serveViews } from '../../../server/pipeline.ts';
import { View } from '../../../server/view/view.ts';
import { COLUMNS, ROWS, replacedRowOf, rowOf, timeOf } from '../workload.ts';
import { BatchNumbers, type Candidate } from './candidate.ts';

const NAME = 'edits';

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

/** Viewcast from a real View on, fed in process; the rows are stringified as the upstream does. */
export function startViewcast(): Candidate {
  const view = new View(NAME);
  view.start(
    { identity: 'bench', object: 'u1', columns: COLUMNS },
    { snapshot: true, caughtUpAbove: null },
  );
  for (let n = 1 - ROWS; n <= 0; n++) {
    view.update({ row: rowText(rowOf(n)), time: timeOf(0), diff: 1 });
  }
  view.progress(timeOf(0) + 1);
  const views = { get: () => view, all: () => [view], watch: () => () => {} };
  const serving = serveViews(views, SERVE);
  const numbers = new BatchNumbers();
  const path = `/api/stream/${NAME}`;
  return {
    access: { protocol: 'websocket', port: serving.port, path, greeting: 1, snapshot: true },
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
