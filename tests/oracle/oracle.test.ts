import { expect, test } from 'vitest';
import { type Outcome, run } from './run.ts';
import { library } from './viewers/library.ts';
import { ndjson } from './viewers/ndjson.ts';
import { rest } from './viewers/rest.ts';
import { sse } from './viewers/sse.ts';
import { v1 } from './viewers/v1.ts';
import { websocket } from './viewers/websocket.ts';

/** How long things go wrong; the whole test takes about half a minute more. */
const SECONDS = Number(process.env.ORACLE_SECONDS ?? 25);
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));

test('every client at every timestamp it reports holds what SQL answers there', {
  timeout: SECONDS * 1_000 + 400_000,
}, async () => {
  console.log(`oracle: SEED=${SEED} ORACLE_SECONDS=${SECONDS}`);
  const start = Date.now();
  const outcome = await run({
    seed: SEED,
    faultsMs: SECONDS * 1_000,
    kinds: [websocket, sse, ndjson, rest, v1, library],
    say: (line) => {
      if (process.env.ORACLE_VERBOSE) console.log(`${(Date.now() - start) / 1_000} s: ${line}`);
    },
  });
  console.log(report(outcome, (Date.now() - start) / 1_000));
  expect(outcome.compared).toBeGreaterThan(20 * SECONDS);
  expect(outcome.timestamps).toBeGreaterThan(5 * SECONDS);
});

function report(outcome: Outcome, seconds: number): string {
  const faults = [...outcome.faults].map(([name, times]) => `${times} × ${name}`);
  return [
    `oracle: ${outcome.compared} claims compared at ${outcome.timestamps} timestamps of views in ${seconds.toFixed(1)} s`,
    `  ${outcome.transactions} transactions in ${outcome.stores} stores, ${outcome.evaluations} answers of SQL, ${outcome.ambiguous} ambiguous timestamps`,
    `  ${outcome.losses} connections lost; ${faults.join(', ')}`,
  ].join('\n');
}
