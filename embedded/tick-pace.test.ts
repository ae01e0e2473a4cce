import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TickPace } from './tick-pace.ts';

const START = 1_000_000;
const durations = fc.array(fc.nat(500), { minLength: 1, maxLength: 5 });

test('after a tick there is rest for so many times as long as its re-evaluations took, or a second', () => {
  const ticks = fc.array(durations, { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(fc.nat(5), ticks, (restFactor, all) => {
      const pace = new TickPace({ restFactor, temporalMs: 1000 });
      let now = START;
      for (const each of all) {
        expect(pace.restMs(now)).toBe(0);
        const start = now;
        for (const ms of each) {
          pace.reevaluated(now, now + ms);
          now += ms;
        }
        const restMs = pace.restMs(now);
        expect(restMs).toBe(Math.min(1000, restFactor * (now - start)));
        now += restMs;
      }
    }),
  );
});

test('what changes with time is due at its interval, and takes no more than a tenth of the time', () => {
  fc.assert(
    fc.property(durations, fc.integer({ min: 50, max: 2000 }), (each, temporalMs) => {
      const pace = new TickPace({ restFactor: 3, temporalMs });
      let now = START;
      expect(pace.isTemporalDue(now)).toBe(true);
      for (const ms of each) {
        const next = now + Math.max(temporalMs, 10 * ms);
        pace.lookedAtTemporal(now, now + ms);
        expect(pace.isTemporalDue(next)).toBe(true);
        expect(pace.isTemporalDue(now + Math.max(temporalMs - 51, 10 * ms - 1))).toBe(false);
        now = next;
      }
    }),
  );
});
