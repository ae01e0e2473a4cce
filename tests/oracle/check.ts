import { expect } from 'vitest';
import { type Outcome, run } from './run.ts';
import { library } from './viewers/library.ts';
import { ndjson } from './viewers/ndjson.ts';
import { rest } from './viewers/rest.ts';
import { sse } from './viewers/sse.ts';
import { v1 } from './viewers/v1.ts';
import { websocket, websocketFrom } from './viewers/websocket.ts';

const KINDS = [websocket, websocketFrom, sse, ndjson, rest, v1, library];

/** Below so many for each second the run proves nothing; a quiet machine makes ten times as many. */
const LEAST_CLAIMS = 20;
const LEAST_TIMESTAMPS = 3;

/**
 * Lets things go wrong for so long, and then judges every claim of every client. SEED= repeats the
 * choices of a run, though not its interleaving; ORACLE_VERBOSE=1 tells of each fault.
 */
export async function checkByOracle(seconds: number): Promise<void> {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));
  // The seed also says which line of Materialize the engines pose as.
  process.env.VIEWCAST_DIALECT ??= seed % 2 === 0 ? 'subscribe' : 'tail';
  const { VIEWCAST_DIALECT: dialect } = process.env;
  console.log(`oracle: SEED=${seed} ORACLE_SECONDS=${seconds} VIEWCAST_DIALECT=${dialect}`);
  const start = Date.now();
  const elapsed = () => ((Date.now() - start) / 1_000).toFixed(1);
  const outcome = await run({
    seed,
    faultsMs: seconds * 1_000,
    leastClaims: LEAST_CLAIMS * seconds,
    kinds: KINDS,
    say: (line) => {
      if (process.env.ORACLE_VERBOSE) console.log(`${elapsed()} s: ${line}`);
    },
  });
  console.log(report(outcome, elapsed()));
  expect(outcome.compared).toBeGreaterThanOrEqual(LEAST_CLAIMS * seconds);
  expect(outcome.timestamps).toBeGreaterThan(LEAST_TIMESTAMPS * seconds);
}

function report(outcome: Outcome, seconds: string): string {
  const { compared, timestamps, transactions, stores, evaluations, ambiguous, losses, continued } =
    outcome;
  const faults = [...outcome.faults].map(([name, times]) => `${times} × ${name}`);
  return [
    `oracle: ${compared} claims compared at ${timestamps} timestamps of views in ${seconds} s`,
    `  ${transactions} transactions in ${stores} stores, ${evaluations} answers of SQL, ${ambiguous} ambiguous timestamps`,
    `  ${losses} connections lost, ${continued} continued without a snapshot; ${faults.join(', ')}`,
  ].join('\n');
}
