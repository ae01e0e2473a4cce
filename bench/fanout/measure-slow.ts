import { LoadProcess, ServerProcess } from './processes.ts';
import { figure, type Print, verdict } from './report.ts';
import { SlowRun } from './slow-run.ts';
import { median } from './statistics.ts';

const FAST = 200;
/** What beside viewers that lag may cost to what alone does, noise included. */
const MAX_RATIO = 1.1;
/**
 * What a stopped viewer may keep resident. A session's is sent no more than 256 KiB that it has
 * not acknowledged, most of it in the kernel; a stream's goes to the fuse at worst.
 */
const RUNS = [
  // The kernel takes megabytes for each viewer of a stream, and none for one that lags sooner.
  { name: 'viewcast', stalled: 100, maxKib: 256 },
  { name: 'viewcast stream', stalled: 20, maxKib: 1_024 },
] as const;

/** Fast viewers beside some who stop reading: what they cost then, and what the stopped ones do. */
export async function measureSlow(print: Print): Promise<void> {
  for (const run of RUNS) {
    print(`\nSlow viewers, ${run.name}: ${FAST} fast, ${run.stalled} that stop reading`);
    await measure(print, run);
  }
}

async function measure(print: Print, how: (typeof RUNS)[number]): Promise<void> {
  const { name, stalled: stopped, maxKib } = how;
  const server = await ServerProcess.start([name]);
  const load = await LoadProcess.start();
  const to = { server, load, candidate: 0, group: 'fast', viewers: FAST };
  const run = new SlowRun(to, stopped);
  try {
    const alone = await run.begin();
    const { beside, bytes } = await run.stall();
    const { batches, messages } = run;
    const fast = await run.fast();
    const stalled = await run.catchUp();
    const again = await run.end();
    const ratio = beside / median([alone, again]);
    const cpu = `alone ${figure(alone)}, beside ${figure(beside)}, alone again ${figure(again)}`;
    const unaffected = verdict(ratio <= MAX_RATIO, `ratio ${figure(ratio)}, at most ${MAX_RATIO}`);
    print(`  fast viewers' CPU, s/M: ${cpu}; ${unaffected}`);
    const whole = fast.least === messages && fast.most === messages;
    print(`  fast viewers got ${fast.least} of ${messages} messages, ${verdict(whole, 'all')}`);
    const kib = bytes / 1_024 / stopped;
    print(
      `  ${figure(kib, 0)} KiB resident per stopped viewer, ` +
        verdict(kib <= maxKib, `at most ${maxKib} KiB`),
    );
    print(
      `  reading again, they hold batch ${stalled.held} of ${batches} after ` +
        `${stalled.least}–${stalled.most} messages, each checked, ` +
        verdict(stalled.held === batches && stalled.fault === null, 'the view as it stands'),
    );
    if (stalled.fault !== null) print(`  ${stalled.fault}`);
  } finally {
    await Promise.all([load.stop(), server.stop()]);
  }
}
