import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { CDPSession } from 'playwright-core';
import { build } from 'vite';
import { launchChromium } from '../web/chromium.ts';
import { Stand } from '../web/stand.ts';
import { randomFrom, World } from '../web/world.ts';
import { figure, type Print, printTable, verdict } from './fanout/report.ts';

/** Batches a second, and how many times slower than this machine the page's processor is. */
const BATCHES_PER_SECOND = 50;
const THROTTLING = 4;
/** Longer than this a task is felt. */
const LONG_MS = 50;
/** From when on the heap counts: by then everything has been loaded and compiled. */
const SETTLE_SECONDS = 20;
/** How much the heap may grow over the whole run, in MiB. */
const GROWTH_MIB = 1;

/** One task of the page's main thread, in ms: by the clock, and what of it the thread was running. */
interface Task {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** An event of a trace (Trace Event Format), as far as it is read here; times in µs. */
interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/**
 * The page in Chromium under many batches: tasks that block it on a slow processor, and its heap over
 * minutes. Arguments: `[--quick] [--seconds 60] [--minutes 10]`.
 *
 * @throws {Error} when this machine has no Chromium, or an argument is no number.
 */
export async function benchPage(args: readonly string[], print: Print): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean' },
      seconds: { type: 'string' },
      minutes: { type: 'string' },
    },
  });
  const seconds = Number(values.seconds ?? (values.quick ? 10 : 60));
  const minutes = Number(values.minutes ?? (values.quick ? 1 : 10));
  if (!(seconds > 0 && minutes > 0)) throw new Error('expected numbers of seconds and minutes');
  const root = fileURLToPath(new URL('../web', import.meta.url));
  await build({ root, logLevel: 'error' });
  const browser = await launchChromium();
  const stand = new Stand(`${root}/dist`);
  const pace = keepMoving(stand);
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(await stand.listen());
    await page.waitForSelector('.bar');
    const session = await page.context().newCDPSession(page);
    await measureTasks(await browser.newBrowserCDPSession(), session, pace, seconds, print);
    await measureHeap(session, minutes, print);
  } finally {
    pace.stop();
    await browser.close();
    await stand.close();
  }
}

/** Moves all that the page shows at the pace of the bench; counts its batches. */
function keepMoving(stand: Stand): { readonly batches: number; stop(): void } {
  const world = new World(randomFrom(1));
  let batches = 0;
  stand.set(
    { input: [['generated', '', 'connected', '']], ...world.views(Date.now()) },
    Date.now(),
  );
  const timer = setInterval(() => {
    batches += 1;
    const now = Date.now();
    world.step(now);
    const isSecond = batches % BATCHES_PER_SECOND === 0;
    stand.set({ ...world.counted(), ...(isSecond ? { persecond: world.seconds(now) } : {}) }, now);
  }, 1_000 / BATCHES_PER_SECOND);
  return {
    get batches() {
      return batches;
    },
    stop: () => clearInterval(timer),
  };
}

/** All tasks of the pages' main threads while `work` is under way. */
async function traceTasks(tracer: CDPSession, work: () => Promise<void>): Promise<readonly Task[]> {
  const events: TraceEvent[] = [];
  tracer.on('Tracing.dataCollected', ({ value }) => {
    events.push(...(value as unknown as TraceEvent[]));
  });
  const includedCategories = ['toplevel', '__metadata'];
  await tracer.send('Tracing.start', {
    traceConfig: { includedCategories, excludedCategories: ['*'] },
  });
  await work();
  const complete = new Promise((done) => tracer.once('Tracing.tracingComplete', done));
  await tracer.send('Tracing.end');
  await complete;
  const threadOf = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
  const mains = new Set(
    events.filter(({ args }) => args?.name === 'CrRendererMain').map((event) => threadOf(event)),
  );
  return events
    .filter((event) => event.ph === 'X' && mains.has(threadOf(event)))
    .filter(({ name }) => name.includes('RunTask'))
    .map(({ dur = 0, tdur = 0 }) => ({ wallMs: dur / 1_000, cpuMs: tdur / 1_000 }));
}

async function measureTasks(
  tracer: CDPSession,
  session: CDPSession,
  pace: { readonly batches: number },
  seconds: number,
  print: Print,
): Promise<void> {
  await session.send('Emulation.setCPUThrottlingRate', { rate: THROTTLING });
  await sleep(3_000);
  const before = pace.batches;
  const tasks = await traceTasks(tracer, () => sleep(seconds * 1_000));
  const batches = pace.batches - before;
  await session.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  print(`\nPage: ${seconds} s of batches with motion, on a processor ${THROTTLING} times slower`);
  const line = (name: string, lengths: readonly number[]) => [
    name,
    String(lengths.length),
    String(lengths.filter((ms) => ms > LONG_MS).length),
    figure(Math.max(0, ...lengths), 0),
  ];
  const cpu = tasks.map(({ cpuMs }) => cpuMs);
  print(`  ${figure(batches / seconds, 0)} batches a second arrived`);
  printTable(
    print,
    ['', 'tasks', `over ${LONG_MS} ms`, 'longest, ms'],
    [
      line(
        'by the clock',
        tasks.map(({ wallMs }) => wallMs),
      ),
      line('processor time', cpu),
    ],
  );
  // Other programs' share of the clock is none of the page's.
  const isShort = cpu.every((ms) => ms <= LONG_MS);
  print(`  ${verdict(isShort, `no task takes over ${LONG_MS} ms of the processor`)}`);
}

async function measureHeap(session: CDPSession, minutes: number, print: Print): Promise<void> {
  await session.send('Performance.enable');
  const heapMib = async () => {
    await session.send('HeapProfiler.collectGarbage');
    const { metrics } = await session.send('Performance.getMetrics');
    return (metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? 0) / 2 ** 20;
  };
  await sleep(SETTLE_SECONDS * 1_000);
  const samples = [await heapMib()];
  for (let sample = 0; sample < 5; sample++) {
    await sleep((minutes * 60_000) / 5);
    samples.push(await heapMib());
  }
  const [first = 0, last = 0] = [samples[0], samples.at(-1)];
  print(`\nPage: heap after garbage collection, over ${minutes} min of the same, MiB`);
  print(`  ${samples.map((sample) => figure(sample)).join('  ')}`);
  print(`  ${verdict(last - first <= GROWTH_MIB, `grows by ${GROWTH_MIB} MiB at most`)}`);
}
