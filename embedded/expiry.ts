import type { AggregatePlan } from './aggregate.ts';
import { maintainSql } from './aggregate-sql.ts';
import { Capture } from './capture.ts';
import { quoteName } from './lexer.ts';
import { type Relation, type Relations, sqlName, storeTable } from './relation.ts';
import type { Store } from './store.ts';
import { type AggregateWindow, noteLetGo, overdueRows } from './window.ts';

/** A view whose rows count for a while only. */
interface WindowedView {
  readonly view: Relation;
  readonly plan: AggregatePlan & { readonly window: AggregateWindow };
}

/** Whether rows stop to count as time goes on. */
export function anyExpire(relations: Relations): boolean {
  return windowedViews(relations).length > 0;
}

/** Takes what no longer counts at `time`, in ms, out of the views that keep a window. In a turn. */
export async function letExpire(
  store: Store,
  capture: Capture,
  relations: Relations,
  time: number,
): Promise<void> {
  for (const { view, plan } of windowedViews(relations)) {
    const base = relations.get(plan.base);
    if (base === undefined) continue;
    const overdue =
      `(SELECT * FROM ${sqlName(base)} AS ${quoteName(plan.alias)}` +
      ` WHERE ${overdueRows(plan.window, time)})`;
    const delta = capture.wantsRows(view) ? Capture.deltaTable(view) : null;
    await store.transaction(async () => {
      await store.run(maintainSql(plan, 'DELETE', storeTable(view.id), delta, overdue));
      await store.run(noteLetGo(plan.window, time));
    });
  }
}

function windowedViews(relations: Relations): readonly WindowedView[] {
  return relations.all().flatMap((view) => {
    const plan = view.aggregate;
    if (plan === null || 'order' in plan || !plan.window) return [];
    return [{ view, plan: { ...plan, window: plan.window } }];
  });
}
