import fc from 'fast-check';
import { expect, test } from 'vitest';
import { directionOf, fitText, NO_NAME, nameText } from './name-text.ts';

test.each([
  ['محمد (بحث)!', 'rtl'],
  ['123 עברית', 'rtl'],
  ['Fæ', 'ltr'],
  ['日本語', 'ltr'],
  ['2001:db8::1', 'ltr'],
  ['', 'ltr'],
  ['Ali علي', 'ltr'],
])('%s reads %s', (text, direction) => {
  expect(directionOf(text)).toBe(direction);
});

test('a name that nobody would see is named', () => {
  expect([null, '', ' \t'].map(nameText)).toEqual([NO_NAME, NO_NAME, NO_NAME]);
  expect(nameText(' x ')).toBe(' x ');
});

test('a fitted text fits, is a beginning, and is whole where there is room', () => {
  const measure = (text: string) => Array.from(text).length;
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, width) => {
      const fitted = fitText(text, width, measure);
      expect(measure(fitted)).toBeLessThanOrEqual(width);
      if (measure(text) <= width) expect(fitted).toBe(text);
      else if (fitted !== '') expect(text.startsWith(fitted.slice(0, -1))).toBe(true);
    }),
  );
  expect(fitText('Keo010122Bot', 6, measure)).toBe('Keo01…');
  expect(fitText('Keo', 1, measure)).toBe('');
});
