import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogicalClock } from './clock.ts';
import { TimeFloor } from './time-floor.ts';

const run = fc.record({
  /** The wall clock at each tick: it may jump, also backwards over a restart. */
  walls: fc.array(fc.nat(60_000), { maxLength: 10 }),
  isClosed: fc.boolean(),
});

test('no time is given out twice over restarts, whatever the wall clock does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(run, { minLength: 1, maxLength: 6 }), async (runs) => {
      let written = 0;
      let last = -1;
      for (const { walls, isClosed } of runs) {
        let wall = walls[0] ?? 0;
        const clock = new LogicalClock(written, () => wall);
        const floor = new TimeFloor(written, clock, async (value) => {
          written = value;
        });
        for (const time of walls) {
          wall = time;
          await floor.raise();
          const tick = clock.next();
          expect(tick).toBeGreaterThan(last);
          clock.close(tick);
          last = tick;
        }
        if (isClosed) await floor.settle();
      }
    }),
  );
});

test('it is written once in ten seconds of ticks', async () => {
  let wall = 0;
  let writes = 0;
  const clock = new LogicalClock(0, () => wall);
  const floor = new TimeFloor(0, clock, async () => {
    writes++;
  });
  for (wall = 1; wall <= 60_000; wall++) {
    await floor.raise();
    clock.close(clock.next());
  }
  expect(writes).toBe(7);
});
