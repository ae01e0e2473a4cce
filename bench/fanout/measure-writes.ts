import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type CandidateName, COMPARED } from './candidates/names.ts';
import { LoadProcess, ServerProcess } from './processes.ts';
import { figure, type Print, printTable, verdict } from './report.ts';
import { connectViewers, Published, runBurst, ticksOfBurst } from './round.ts';

const VIEWERS = 100;
const BURSTS = 2;
const CALLS = 'write,writev,sendto,sendmsg,sendmmsg';

/** System calls that write, per viewer and tick, as `strace -fc` counts them. */
export async function measureWrites(print: Print): Promise<void> {
  print(`\nWrites per viewer and tick (strace -fc, ${VIEWERS} viewers)`);
  const why = reasonAgainst();
  if (why !== null) {
    print(`  not measured: ${why}`);
    return;
  }
  const rows: string[][] = [];
  for (const name of COMPARED) {
    const one = await countWrites(name, 1);
    const sixteen = await countWrites(name, 16);
    const met = name.startsWith('viewcast') ? verdict(Math.max(one, sixteen) < 1.05, 'one') : '';
    rows.push([name, figure(one), figure(sixteen), met]);
  }
  printTable(print, ['', '1 a tick', '16 a tick', 'target'], rows);
}

/** Why nothing can be counted here; null when it can. */
function reasonAgainst(): string | null {
  const { error, status, stderr } = spawnSync('strace', ['-c', '-o', '/dev/null', 'true'], {
    encoding: 'utf8',
  });
  if (error !== undefined) return 'there is no strace on this machine';
  return status === 0 ? null : `strace does not work here (${stderr.trim().split('\n')[0]})`;
}

async function countWrites(name: CandidateName, batches: number): Promise<number> {
  const server = await ServerProcess.start([name]);
  const load = await LoadProcess.start();
  try {
    const to = { server, load, candidate: 0, group: 'g', viewers: VIEWERS };
    await connectViewers(to);
    const published = new Published();
    await runBurst(to, published, batches);
    const strace = await attach(server.pid);
    for (let burst = 0; burst < BURSTS; burst++) await runBurst(to, published, batches);
    const calls = await strace.detach();
    return calls / (BURSTS * ticksOfBurst(VIEWERS) * VIEWERS);
  } finally {
    await Promise.all([load.stop(), server.stop()]);
  }
}

/** Counts writing system calls of a process from now on. */
async function attach(pid: number): Promise<{ detach(): Promise<number> }> {
  const args = ['-f', '-c', '-U', 'name,calls', '-e', `trace=${CALLS}`, '-p', String(pid)];
  const child = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const said = gather(child);
  while (!said.text().includes('attached')) {
    if (child.exitCode !== null) throw new Error(`strace ended: ${said.text()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    detach: async () => {
      child.kill('SIGINT');
      await once(child, 'close');
      return sumCalls(said.text());
    },
  };
}

function gather(child: ChildProcess): { text(): string } {
  let text = '';
  child.stderr?.setEncoding('utf8');
  child.stderr?.on('data', (part: string) => {
    text += part;
  });
  return { text: () => text };
}

/** The calls of a summary with the columns name and calls, its last line the total. */
function sumCalls(summary: string): number {
  const total = /^total\s+(\d+)/m.exec(summary);
  if (total === null) throw new Error(`strace printed no total: ${summary}`);
  return Number(total[1]);
}
