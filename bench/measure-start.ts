import { temporaryFolder, Viewcast } from '../tests/viewcast.ts';
import { figure, type Print, printTable, verdict } from './fanout/report.ts';
import { median } from './fanout/statistics.ts';

const RUNS = 3;

/** From `npm start`'s process to every view served: in a new data folder, and in one that is there. */
export async function measureStart(print: Print): Promise<void> {
  print('\nStart: until the page can be opened and every view is served, s');
  const first: number[] = [];
  const again: number[] = [];
  for (let n = 0; n < RUNS; n++) {
    const folder = temporaryFolder();
    try {
      first.push(await start(folder.path));
      again.push(await start(folder.path));
    } finally {
      folder.remove();
    }
  }
  const row = (name: string, values: readonly number[]) => [
    name,
    String(values.length),
    figure(median(values), 1),
    figure(Math.max(...values), 1),
  ];
  printTable(
    print,
    ['data folder', 'n', 'median', 'most'],
    [row('new', first), row('there', again)],
  );
  print(`  ${verdict(Math.max(...first) <= 10, 'at most 10 s')}`);
  print('  The page was built before, and the engine’s template (.cache) was there.');
}

async function start(data: string): Promise<number> {
  const startMs = performance.now();
  const options = ['--generate', '--port', '0', '--sql-port', '0', '--data', data];
  const viewcast = new Viewcast(options);
  try {
    await viewcast.ready();
    return (performance.now() - startMs) / 1_000;
  } finally {
    await viewcast.stop();
  }
}
