import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { byRank, type Leader, rankRows } from '../tests/prefix-oracle.ts';
import { mappedDayOf2015, recordingsMissing } from '../tests/recordings.ts';
import { fetchRows, type Parts, temporaryFolder, until, Viewcast } from '../tests/viewcast.ts';
import { figure, type Print, printTable, verdict } from './fanout/report.ts';

/**
 * The recorded day at full speed through all parts, from the file to the viewer's rows, whose final
 * state is compared with a count made without viewcast; then the memory of each process.
 */
export async function measureReplay(print: Print): Promise<void> {
  print('\nReplay: 39,244 recorded edits at full speed, from the file to the served views');
  if (recordingsMissing !== null) {
    print(`  left out: ${recordingsMissing}`);
    return;
  }
  const users = readUsers();
  const folder = temporaryFolder();
  const startMs = performance.now();
  const viewcast = new Viewcast([
    ...['--replay', mappedDayOf2015, '--speed', 'max', '--port', '0', '--sql-port', '0'],
    ...['--data', folder.path],
  ]);
  try {
    await viewcast.ready();
    const readyMs = performance.now();
    const counted = async () => Number((await fetchRows(viewcast, 'counter'))[0]?.[0] ?? 0);
    const already = await counted();
    const fromMs = performance.now();
    await until('all edits are counted', async () => (await counted()) >= users.length, 120_000);
    const endMs = performance.now();
    await until('the leaders are the last ones', async () => {
      const rows = await fetchRows(viewcast, 'top10');
      return JSON.stringify(rankRows(rows)) === JSON.stringify(leadersOf(users));
    });
    await check(viewcast, users);
    const rate = (users.length - already) / ((endMs - fromMs) / 1_000);
    print(
      `  ready after ${figure((readyMs - startMs) / 1_000, 1)} s with ${already} edits counted`,
    );
    print(`  the other ${users.length - already} at ${figure(rate, 0)} events/s`);
    print(`  all of it, start included: ${figure((endMs - startMs) / 1_000, 1)} s`);
    print(`  ${verdict(true, 'the final state is that of a plain count')}`);
    printMemory(print, viewcast);
  } finally {
    await viewcast.stop();
    folder.remove();
  }
}

function readUsers(): readonly string[] {
  const lines = gunzipSync(readFileSync(mappedDayOf2015)).toString('utf8').trim().split('\n');
  return lines.map((line) => (JSON.parse(line) as { user: string }).user);
}

function countsOf(users: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const user of users) counts.set(user, (counts.get(user) ?? 0) + 1);
  return counts;
}

function leadersOf(users: readonly string[]): readonly Leader[] {
  return [...countsOf(users)].sort(byRank).slice(0, 10);
}

/** @throws Error when one user's count is not the plain one. */
async function check(viewcast: Viewcast, users: readonly string[]): Promise<void> {
  const counts = countsOf(users);
  const rows = await fetchRows(viewcast, 'useredits');
  const wrong = rows.filter(([user, count]) => counts.get(String(user)) !== count);
  if (rows.length !== counts.size || wrong.length > 0) {
    throw new Error(`useredits holds ${rows.length} users, ${wrong.length} of them counted wrong`);
  }
}

function printMemory(print: Print, viewcast: Viewcast): void {
  const parts: Parts & { readonly start?: number } = {
    start: viewcast.pid,
    ...viewcast.parts(),
  };
  print('\nMemory after it, resident');
  printTable(
    print,
    ['process', 'MiB'],
    Object.entries(parts).map(([name, pid]) => [name, figure(residentMiB(pid), 0)]),
  );
}

function residentMiB(pid: number): number {
  const rss = execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
  return Number(rss.trim()) / 1_024;
}
