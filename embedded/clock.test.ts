import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogicalClock } from './clock.ts';

test('no two ticks share a time and none goes back, whatever the wall clock does', () => {
  const walls = fc.array(fc.nat(1000), { minLength: 1 });
  fc.assert(
    fc.property(fc.nat(1000), walls, (floor, times) => {
      let wall = 0;
      const clock = new LogicalClock(floor, () => wall);
      let last = floor - 1;
      for (const time of times) {
        wall = time;
        if (time % 3 === 0) clock.advance();
        const tick = clock.next();
        expect(tick).toBeGreaterThan(last);
        expect(tick).toBeGreaterThanOrEqual(wall);
        clock.close(tick);
        expect(clock.frontier).toBe(tick + 1);
        last = tick;
      }
    }),
  );
});
