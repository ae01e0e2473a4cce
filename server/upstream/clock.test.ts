import { expect, test } from 'vitest';
import { Silence } from './clock.ts';
import { ManualClock } from './manual-clock.ts';

function listen(limitMs: number) {
  const clock = new ManualClock();
  const fired: number[] = [];
  const start = clock.now();
  const silence = new Silence(clock, limitMs, () => fired.push(clock.now() - start));
  return { clock, silence, fired };
}

test('silence fires once, and again only after something was heard', async () => {
  const { clock, silence, fired } = listen(3_000);
  await clock.pass(10_000);
  expect(fired).toEqual([3_000]);
  silence.heard();
  await clock.pass(10_000);
  expect(fired).toEqual([3_000, 13_000]);
});

test('what is heard puts it off, with one timer however often', async () => {
  const { clock, silence, fired } = listen(3_000);
  for (let i = 0; i < 10; i++) {
    await clock.pass(1_000);
    silence.heard();
    expect(clock.waiting).toBe(1);
  }
  await clock.pass(2_999);
  expect(fired).toEqual([]);
  await clock.pass(1);
  expect(fired).toEqual([13_000]);
});

test('a shorter patience holds at once', async () => {
  const { clock, silence, fired } = listen(30_000);
  silence.heard(10_000);
  await clock.pass(10_000);
  expect(fired).toEqual([10_000]);
});

test('stopped, it never fires', async () => {
  const { clock, silence, fired } = listen(3_000);
  silence.stop();
  silence.heard();
  await clock.pass(10_000);
  expect(fired).toEqual([]);
  expect(clock.waiting).toBe(0);
});
