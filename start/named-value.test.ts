import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isOn, type Named, readPort, readWhole } from './named-value.ts';

const text = fc.oneof(
  fc.integer({ min: -10, max: 70_000 }).map(String),
  fc.constantFrom('', '007', '1.5', '1e3', '0x10', ' 1', '٣', 'x'),
  fc.string(),
);
const OTHERWISE = -1;

/** What a reader makes of a text, and the problems it tells. */
function read(value: string, reader: (named: Named, problems: string[]) => number) {
  const problems: string[] = [];
  return { number: reader({ name: '--it', value }, problems), problems };
}

test('a number is read as it stands, or told by its name and bounds', () =>
  fc.assert(
    fc.property(text, fc.nat(1_000), fc.nat(70_000), (value, least, more) => {
      const bounds = { least, most: least + more, otherwise: OTHERWISE };
      const cases = [
        [read(value, (named, problems) => readWhole(named, bounds, problems)), least, bounds.most],
        [read(value, (named, problems) => readPort(named, OTHERWISE, problems)), 0, 65_535],
      ] as const;
      for (const [{ number, problems }, from, to] of cases) {
        const digits = value.length > 0 && [...value].every((one) => '0123456789'.includes(one));
        if (digits && Number(value) >= from && Number(value) <= to) {
          expect({ number, problems }).toEqual({ number: Number(value), problems: [] });
        } else {
          expect(number).toBe(OTHERWISE);
          expect(problems).toHaveLength(1);
          expect(problems[0]).toContain(`--it is "${value}": expected`);
          expect(problems[0]).toContain(`from ${from} to ${to}`);
        }
      }
    }),
  ));

test('what is not said is the default, and no problem', () => {
  const problems: string[] = [];
  expect(readPort(undefined, 8875, problems)).toBe(8875);
  expect(readWhole(undefined, { least: 1, most: 9, otherwise: 0 }, problems)).toBe(0);
  expect(
    [undefined, '', '0', 'false', '1', 'true'].map((one) => isOn(one, 'IT', problems)),
  ).toEqual([false, false, false, false, true, true]);
  expect(problems).toEqual([]);
  expect(isOn('yes', 'IT', problems)).toBe(false);
  expect(problems).toEqual(['IT is "yes": expected 1 or 0']);
});
