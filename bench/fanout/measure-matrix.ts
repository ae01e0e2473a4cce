import { type CandidateName, COMPARED } from './candidates/names.ts';
import { LoadProcess, ServerProcess } from './processes.ts';
import { figure, type Print, printTable, verdict } from './report.ts';
import {
  connectViewers,
  type Load,
  Published,
  runRound,
  secondsPerMillion,
  settleTcp,
  warmUp,
} from './round.ts';
import { median } from './statistics.ts';

const BATCHES = [1, 16] as const;
const LIMITS = { cpuMs: 250, deadlineMs: 2_000 } as const;
/** What a process needs beside its viewers' sockets. */
const OTHER_FILES = 100;

interface Seat extends Load {
  readonly name: CandidateName;
  readonly published: Published;
  readonly connectUs: number;
  /** CPU seconds per million deliveries, by batches per tick. */
  readonly costs: Readonly<Record<1 | 16, number[]>>;
}

/** All candidates with as many viewers, a process each, in interleaved rounds. */
export async function measureMatrix(
  print: Print,
  sizes: readonly number[],
  rounds: number,
): Promise<void> {
  print(`\nServer CPU seconds per million deliveries (median of ${rounds} interleaved rounds)`);
  const files = openFilesLimit();
  for (const viewers of sizes) {
    if (viewers + OTHER_FILES > files) {
      print(`  ${viewers} viewers: not measured, a process may open ${files} files (ulimit -n)`);
      continue;
    }
    const seats = await open(viewers);
    try {
      for (let round = 0; round < rounds; round++) {
        for (const batches of BATCHES) await runAll(seats, batches, round);
      }
      tell(print, viewers, seats);
    } finally {
      await Promise.all(seats.flatMap(({ load, server }) => [load.stop(), server.stop()]));
    }
  }
}

async function open(viewers: number): Promise<readonly Seat[]> {
  const seats: Seat[] = [];
  for (const name of COMPARED) {
    const server = await ServerProcess.start([name]);
    const load = await LoadProcess.start();
    const to = { server, load, candidate: 0, group: name, viewers };
    await warmUp(to);
    const before = await server.ask({ do: 'usage', collect: false });
    await connectViewers(to);
    const after = await server.ask({ do: 'usage', collect: false });
    const connectUs = (after.cpuUs - before.cpuUs) / viewers;
    const costs = { 1: [], 16: [] };
    seats.push({ ...to, name, published: new Published(), connectUs, costs });
  }
  return seats;
}

/** Each round begins with another candidate. */
async function runAll(seats: readonly Seat[], batches: 1 | 16, round: number): Promise<void> {
  for (let turn = 0; turn < seats.length; turn++) {
    const seat = seats[(turn + round) % seats.length];
    if (seat === undefined) continue;
    await settleTcp(seat, seat.published, batches);
    seat.costs[batches].push(
      secondsPerMillion(await runRound(seat, seat.published, batches, LIMITS)),
    );
  }
}

function tell(print: Print, viewers: number, seats: readonly Seat[]): void {
  const cost = (name: CandidateName, batches: 1 | 16) =>
    median(seats.find((seat) => seat.name === name)?.costs[batches] ?? []);
  const rows = seats.map(({ name, connectUs }) => [
    name,
    ...BATCHES.flatMap((batches) => {
      const own = cost(name, batches);
      return [figure(own), figure(own / cost('uWebSockets publish', batches))];
    }),
    figure(connectUs, 0),
  ]);
  print(`  ${viewers} viewers`);
  const head = ['', '1 a tick', 'to bare', '16 a tick', 'to bare', 'CPU µs per connect'];
  printTable((line) => print(`  ${line}`), head, rows);
  for (const [peer, batches, most] of TARGETS) {
    const ratio = cost('viewcast', batches) / cost(peer, batches);
    const limit = cost('uWebSockets publish', batches) / cost(peer, batches);
    const what = `viewcast to ${peer}, ${batches} a tick: ${figure(ratio)} (bare ${figure(limit)})`;
    print(`    ${what}, ${verdict(ratio <= most, `at most ${most}`)}`);
  }
}

const TARGETS = [
  ['ws, joined frames', 1, 1],
  ['ws, joined frames', 16, 1],
  ['ws', 1, 0.6],
  ['ws', 16, 0.1],
] as const;

/** How many files a process may have open; sockets are files. */
export function openFilesLimit(): number {
  const report: unknown = process.report.getReport();
  const text = JSON.stringify(report);
  const found = /"open_files":\{"soft":"?(\w+)"?,"hard":"?(\w+)"?/.exec(text);
  const hard = Number(found?.[2]);
  return Number.isFinite(hard) ? hard : Number.POSITIVE_INFINITY;
}
