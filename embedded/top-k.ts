import { EngineError } from './engine.ts';
import { quoteName } from './lexer.ts';
import { findTopK, sorts } from './plan.ts';
import type { Store } from './store.ts';
import { explain } from './view-analysis.ts';

/** Makes the indexes that let a re-evaluated `ORDER BY … LIMIT` read its first rows only. */
export async function indexTopK(store: Store, view: string): Promise<void> {
  const query = `SELECT * FROM ${view}`;
  await store.transaction(async () => {
    await store.run('SET LOCAL enable_seqscan = on');
    for (const { schema, table, order } of findTopK(await explain(store, query))) {
      if (schema !== 'public' && schema !== 'viewcast_store') continue;
      await store.attempt(async () => {
        await store.run(`CREATE INDEX ON ${quoteName(schema)}.${quoteName(table)} (${order})`);
        await store.run('SET LOCAL enable_sort = off');
        const helps = !sorts(await explain(store, query));
        await store.run('SET LOCAL enable_sort = on');
        if (!helps) throw new EngineError('0A000', 'the index does not replace the sort');
      });
    }
  });
}
