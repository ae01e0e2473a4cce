import { rowText } from '../../../protocol/row.ts';
import { serveViews } from '../../../server/serve-views.ts';
import { View } from '../../../server/view/view.ts';
import { timeOf, VIEW } from '../workload.ts';
import { BatchNumbers, type Candidate } from './candidate.ts';
import { onlyView, SERVE, SESSION } from './viewcast.ts';

/** Rows of the view, one for each user. */
export const USERS = 10_000;

/** The user of that number. */
export const userName = (number: number): string => `Somebody who edits ${number}`;

/**
 * A view with a row for each of {@link USERS}; batch n changes the row of user n mod `changing`,
 * so that viewers of the first `changing` users get one message each in turn.
 */
export function startFilters(changing: number): Candidate {
  const view = new View(VIEW);
  const columns = [
    { name: 'user', type: 'text' },
    { name: 'edits', type: 'bigint' },
  ];
  view.start({ identity: 'bench', object: 'u1', columns }, { snapshot: true, caughtUpAbove: null });
  const edits = new Array<number>(USERS).fill(0);
  for (let user = 0; user < USERS; user++) {
    view.update({ row: rowText([userName(user), 0]), time: timeOf(0), diff: 1 });
  }
  view.progress(timeOf(0) + 1);
  const serving = serveViews(onlyView(view), SERVE);
  const numbers = new BatchNumbers();
  const change = (n: number): void => {
    const user = n % changing;
    const before = edits[user] ?? 0;
    edits[user] = before + 1;
    view.update({ row: rowText([userName(user), before]), time: timeOf(n), diff: -1 });
    view.update({ row: rowText([userName(user), before + 1]), time: timeOf(n), diff: 1 });
    view.progress(timeOf(n) + 1);
  };
  return {
    access: { ...SESSION, check: 'filter', port: serving.port },
    publish: (batches) => {
      for (const n of numbers.next(batches)) change(n);
    },
    close: () => serving.close(),
  };
}
