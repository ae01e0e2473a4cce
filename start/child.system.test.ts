import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { Child, type ChildSettings } from './child.ts';

const folder = mkdtempSync(join(tmpdir(), 'viewcast-child-'));
let child: Child;

afterEach(() => child.kill());
afterAll(() => rmSync(folder, { recursive: true }));

/** Starts a script in a child and notes what is heard of it, in order. */
function run(body: string, settings: Partial<ChildSettings> = {}) {
  const script = join(folder, `${Math.random().toString(36).slice(2)}.mjs`);
  writeFileSync(script, body);
  const heard: string[] = [];
  const waiting = new Set<() => void>();
  const hear = (what: string) => {
    heard.push(what);
    for (const wake of waiting) wake();
  };
  child = new Child(
    {
      name: 'part',
      script,
      environment: () => process.env,
      startLimitMs: 20_000,
      silenceLimitMs: null,
      ...settings,
    },
    {
      message: ({ type }) => hear(type),
      log: ({ level, text }) => hear(`${level}: ${text}`),
      restarting: (reason) => hear(`restarting: ${reason}`),
      gaveUp: (reason) => hear(`gave up: ${reason}`),
    },
  );
  child.start();
  const until = (what: string, times = 1) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (heard.filter((each) => each.startsWith(what)).length < times) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  return { heard, until };
}

const READY = "process.send({ type: 'ready', port: 1 });";
const STAY = "setInterval(() => {}, 1000); process.on('disconnect', () => process.exit());";

test('a process that ends is started again', async () => {
  const { until } = run(`${READY} setTimeout(() => process.exit(1), 50);`);
  await until('ready', 3);
});

test('one that never gets ready is given up with its own last words', async () => {
  const { heard, until } = run(`process.stderr.write('no room for me\\n', () => process.exit(1));`);
  await until('gave up');
  expect(heard.at(-1)).toBe('gave up: no room for me');
  expect(heard.filter((each) => each.startsWith('restarting'))).toHaveLength(5);
  expect(child.pid).toBeUndefined();
});

test('one that refuses its settings is not started again', async () => {
  const { heard, until } = run(`process.stderr.write('X is bad\\n', () => process.exit(2));`);
  await until('gave up');
  expect(heard).toEqual(['error: X is bad', 'gave up: X is bad']);
});

test('one that falls silent is killed and started again', async () => {
  const { heard, until } = run(`${READY} ${STAY}`, { silenceLimitMs: 200 });
  await until('ready', 2);
  expect(heard[1]).toBe('restarting: gave no sign of life for 0.2 s');
});

test('heartbeats keep it', async () => {
  const { heard, until } = run(
    `${READY} ${STAY} setInterval(() => process.send({ type: 'heartbeat' }), 20);`,
    { silenceLimitMs: 5_000 },
  );
  await until('heartbeat', 50);
  expect(heard.some((each) => each.startsWith('restarting'))).toBe(false);
});

test('one that hangs before it is ready is killed', async () => {
  const { until } = run(STAY, { startLimitMs: 200 });
  await until('restarting: did not start within 0.2 s');
});

test('one that is done may leave', async () => {
  const { heard, until } = run(
    `${READY} process.send({ type: 'done' }, () => process.disconnect());`,
  );
  await until('done');
  await expect.poll(() => child.pid, { timeout: 20_000 }).toBeUndefined();
  expect(heard).toEqual(['ready', 'done']);
});

test('stopping waits for the end, and forces one that does not listen', async () => {
  const { heard, until } = run(`process.on('SIGTERM', () => {}); ${READY} ${STAY}`);
  await until('ready');
  await child.stop('SIGTERM');
  expect(child.pid).toBeUndefined();
  expect(heard).toEqual(['ready']);
});
