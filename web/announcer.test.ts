import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ANNOUNCE_EVERY_MS, Announcer } from './announcer.ts';

/** Announces each text at its time and returns what was said when; time then runs out. */
function play(texts: readonly (readonly [number, string])[]): (readonly [number, string])[] {
  let now = 0;
  const said: (readonly [number, string])[] = [];
  const timers: { readonly at: number; readonly then: () => void }[] = [];
  const announcer = new Announcer({
    now: () => now,
    after: (ms, then) => timers.push({ at: now + ms, then }),
    say: (text) => said.push([now, text]),
  });
  const runTo = (until: number) => {
    while (timers[0] !== undefined && timers[0].at <= until) {
      const timer = timers.shift();
      now = timer?.at ?? now;
      timer?.then();
    }
    now = until;
  };
  for (const [at, text] of texts) {
    runTo(at);
    announcer.announce(text);
  }
  runTo(Number.MAX_SAFE_INTEGER);
  return said;
}

test('the first is said at once, those in between only as the newest', () => {
  const texts = [
    [0, 'a'],
    [100, 'b'],
    [200, 'c'],
    [20_000, 'd'],
  ] as const;
  expect(play(texts)).toEqual([
    [0, 'a'],
    [5_000, 'c'],
    [20_000, 'd'],
  ]);
});

test('at most one every 5 s, none twice in a row, and the newest is always said', () => {
  const steps = fc.array(fc.tuple(fc.nat(4_000), fc.constantFrom('a', 'b', 'c')), { minLength: 1 });
  fc.assert(
    fc.property(steps, (list) => {
      let at = 0;
      const texts = list.map(([wait, text]) => {
        at += wait;
        return [at, text] as const;
      });
      const said = play(texts);
      for (const [nth, [when, text]] of said.entries()) {
        const before = said[nth - 1];
        if (before === undefined) continue;
        expect(when - before[0]).toBeGreaterThanOrEqual(ANNOUNCE_EVERY_MS);
        expect(text).not.toBe(before[1]);
      }
      expect(said.at(-1)?.[1]).toBe(texts.at(-1)?.[1]);
    }),
  );
});
