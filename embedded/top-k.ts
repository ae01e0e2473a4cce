import { EngineError } from './engine.ts';
import { quoteName } from './lexer.ts';
import { countSorts, findTopK } from './plan.ts';
import type { Store } from './store.ts';
import { explain } from './view-analysis.ts';

/** Makes the indexes that let a re-evaluated `ORDER BY … LIMIT` read its first rows only. */
export async function indexTopK(store: Store, view: string): Promise<void> {
  const query = `SELECT * FROM ${view}`;
  await store.transaction(async () => {
    await store.run(`SET LOCAL enable_seqscan = on; ${switchScans('off')}`);
    const found = findTopK(await explain(store, query));
    await store.run(switchScans('on'));
    for (const { schema, table, order } of found) {
      if (schema !== 'public' && schema !== 'viewcast_store') continue;
      await store.attempt(async () => {
        await store.run('SET LOCAL enable_sort = off');
        const before = countSorts(await explain(store, query));
        await store.run(`CREATE INDEX ON ${quoteName(schema)}.${quoteName(table)} (${order})`);
        await store.run('SET LOCAL enable_sort = off');
        const helps = countSorts(await explain(store, query)) < before;
        await store.run('SET LOCAL enable_sort = on');
        if (!helps) throw new EngineError('0A000', 'the index does not replace the sort');
      });
    }
  });
}

/** Without the indexes that are there, a plan shows its filters whole. */
function switchScans(to: 'on' | 'off'): string {
  return ['indexscan', 'indexonlyscan', 'bitmapscan']
    .map((scan) => `SET LOCAL enable_${scan} = ${to}`)
    .join('; ');
}
