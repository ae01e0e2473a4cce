import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatCount } from '../format.ts';
import { leadersOf } from '../leaders.ts';
import { layoutBars } from './bar-layout.ts';

const measure = (text: string, fontSize: number) => Array.from(text).length * fontSize * 0.6;
const size = fc.record({
  width: fc.integer({ min: 280, max: 4_000 }),
  height: fc.integer({ min: 300, max: 2_000 }),
});
const slots = fc.constantFrom(10, 20);
const count = fc.oneof(fc.nat(200), fc.nat(), fc.constant('9007199254740993'));
const leaders = fc
  .array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 80 }), count), { maxLength: 24 })
  .map((rows) => leadersOf(rows));

test('everything stands within the size, and no two things on one another', () => {
  fc.assert(
    fc.property(leaders, slots, size, (list, room, within) => {
      const { bars, left, gap, fontSize, slot, thickness } = layoutBars(
        list,
        room,
        within,
        measure,
      );
      expect(bars).toHaveLength(Math.min(room, list.length));
      for (const [rank, bar] of bars.entries()) {
        const valueEnd = bar.width + gap + measure(formatCount(bar.count), fontSize);
        const labelEnd = bar.label === '' ? 0 : bar.labelX + measure(bar.label, fontSize);
        const slack = 1e-6 * within.width;
        expect(left + Math.max(valueEnd, labelEnd)).toBeLessThanOrEqual(within.width + slack);
        expect(labelEnd <= bar.width || bar.labelX >= valueEnd || bar.label === '').toBe(true);
        expect(bar.y + thickness).toBeLessThanOrEqual(within.height + slack);
        const above = bars[rank - 1];
        if (above !== undefined) expect(bar.y - above.y).toBeCloseTo(slot);
      }
    }),
  );
});

test('lengths are in proportion to counts, and equal counts are equally long', () => {
  fc.assert(
    fc.property(leaders, slots, size, (list, room, within) => {
      const { bars } = layoutBars(list, room, within, measure);
      const [first] = bars;
      if (first === undefined || Number(first.count) === 0) return;
      for (const bar of bars) {
        const share = Number(bar.count) / Number(first.count);
        expect(bar.width).toBeCloseTo(first.width * share);
      }
    }),
  );
});

test('an axis has whole numbers only, and none without bars', () => {
  const within = { width: 800, height: 400 };
  const { ticks } = layoutBars(leadersOf([['a', 2]]), 10, within, measure);
  expect(ticks.map(({ text }) => text)).toEqual(['1', '2']);
  expect(layoutBars([], 10, within, measure).ticks).toEqual([]);
});

test('a name stands in its bar where it fits, else behind the value', () => {
  const within = { width: 800, height: 400 };
  const { bars } = layoutBars(
    leadersOf([
      ['long enough', 100],
      ['short', 1],
    ]),
    10,
    within,
    measure,
  );
  const [long, short] = bars;
  expect(long && long.labelX < long.width).toBe(true);
  expect(short && short.labelX > short.width).toBe(true);
});

test('a chart without any room still has a layout', () => {
  const { bars } = layoutBars(leadersOf([['a', 2]]), 10, { width: 0, height: 0 }, measure);
  expect(bars[0]?.width).toBe(0);
  expect(bars[0]?.label).toBe('');
});
