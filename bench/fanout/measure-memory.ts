import type { CandidateName } from './candidates/names.ts';
import { LoadProcess, ServerProcess } from './processes.ts';
import { figure, type Print, printTable, verdict } from './report.ts';
import { FRESH } from './round.ts';

const NAMES: readonly CandidateName[] = ['uWebSockets publish', 'viewcast', 'viewcast stream'];
/** Connected before: code that runs for the first time and V8's young generation are not counted. */
const WARM_UP = 2_000;
const SETTLE_MS = 1_500;
const TARGET_BYTES = 4_096;

/** Resident bytes of the server's process per idle viewer; what the kernel holds is not in them. */
export async function measureMemory(print: Print, viewers: number): Promise<void> {
  print(`\nMemory and connecting (${viewers} idle viewers)`);
  const rows: string[][] = [];
  for (const name of NAMES) {
    const { bytes, heapBytes, connectUs } = await measure(name, viewers);
    const met = name.startsWith('viewcast')
      ? verdict(bytes <= TARGET_BYTES, `${TARGET_BYTES} bytes`)
      : '';
    rows.push([name, figure(bytes, 0), figure(heapBytes, 0), figure(connectUs, 0), met]);
  }
  const head = ['', 'resident bytes per viewer', 'of V8’s heap', 'CPU µs per connect', 'target'];
  printTable(print, head, rows);
}

async function measure(name: CandidateName, viewers: number) {
  const server = await ServerProcess.start([name]);
  const load = await LoadProcess.start();
  try {
    const access = server.access(0);
    await load.ask({ do: 'connect', group: 'before', access, viewers: WARM_UP, ...FRESH });
    await settle();
    const before = await server.ask({ do: 'usage', collect: true });
    await load.ask({ do: 'connect', group: 'idle', access, viewers, ...FRESH });
    const joined = await server.ask({ do: 'usage', collect: false });
    await settle();
    const after = await server.ask({ do: 'usage', collect: true });
    return {
      bytes: (after.rssBytes - before.rssBytes) / viewers,
      heapBytes: (after.heapBytes - before.heapBytes) / viewers,
      connectUs: (joined.cpuUs - before.cpuUs) / viewers,
    };
  } finally {
    await Promise.all([load.stop(), server.stop()]);
  }
}

const settle = () => new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
