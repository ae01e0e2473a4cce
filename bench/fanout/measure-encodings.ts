import type { CandidateName } from './candidates/names.ts';
import { LoadProcess, ServerProcess } from './processes.ts';
import { figure, type Print, printTable, verdict } from './report.ts';
import { connectViewers } from './round.ts';

/** Batches of the tick that is counted, see `server-process.ts`. */
const BATCHES = 16;
/** Each batch comes as two rows, which are stringified once each on their way in. */
const ROWS_IN = 2 * BATCHES;
const VIEWERS = 200;

/** How often viewcast makes a text and its bytes in a tick, with many viewers listening. */
export async function measureEncodings(print: Print): Promise<void> {
  print(`\nTexts made in a tick of ${BATCHES} batches, ${VIEWERS} viewers`);
  const rows: string[][] = [];
  for (const [name, messages] of [
    ['viewcast', 1],
    ['viewcast stream', BATCHES],
  ] as const) {
    const { stringified, encoded } = await count(name);
    const met = verdict(encoded === messages, `one per message, and that is ${messages}`);
    rows.push([name, figure(stringified - ROWS_IN, 0), figure(encoded, 0), met]);
  }
  printTable(print, ['', 'JSON.stringify', 'made into bytes', 'target'], rows);
}

async function count(name: CandidateName) {
  const server = await ServerProcess.start([name]);
  const load = await LoadProcess.start();
  try {
    await connectViewers({ server, load, candidate: 0, group: 'g', viewers: VIEWERS });
    const encodings = await server.ask({ do: 'encodings', candidate: 0 });
    const messages = VIEWERS * (server.access(0).merges ? 1 : BATCHES);
    await load.ask({ do: 'await', group: 'g', messages });
    return encodings;
  } finally {
    await Promise.all([load.stop(), server.stop()]);
  }
}
