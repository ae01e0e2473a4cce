import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Choice,
  DEFAULT_CHOICE,
  formatChoice,
  latestOf,
  parseChoice,
  rankingOf,
  titleOf,
} from './choice.ts';

const name = fc.option(fc.string({ minLength: 1, unit: 'grapheme' }));
const choice: fc.Arbitrary<Choice> = fc.record({
  span: fc.constantFrom('start', '60', '5', '1'),
  kind: fc.constantFrom(null, 'person', 'bot', 'anonymous'),
  wiki: name,
  top: fc.constantFrom(10, 20),
  theme: fc.constantFrom(null, 'light', 'dark'),
  embed: name,
});

test('an address says exactly what was chosen', () => {
  fc.assert(
    fc.property(choice, (chosen) => {
      expect(parseChoice(formatChoice(chosen))).toEqual(chosen);
    }),
  );
  expect(formatChoice(DEFAULT_CHOICE)).toBe('');
});

test('whatever an address says, something is chosen', () => {
  fc.assert(
    fc.property(fc.webQueryParameters(), (query) => {
      const chosen = parseChoice(`?${query}`);
      expect(parseChoice(formatChoice(chosen))).toEqual(chosen);
    }),
  );
  expect(parseChoice('?window=7&who=toString&wiki=&top=11&theme=blue')).toEqual(DEFAULT_CHOICE);
});

test('a choice reads as a title', () => {
  expect(titleOf(DEFAULT_CHOICE)).toBe('Most active, since the start');
  const chosen = { ...DEFAULT_CHOICE, span: '1', kind: 'anonymous', wiki: 'enwiki' } as const;
  expect(titleOf(chosen)).toBe('Most active anonymous editors on enwiki, last minute');
});

test('every choice but the first is asked of a view, by the values of its columns', () => {
  const chosen = { ...DEFAULT_CHOICE, span: '5', kind: 'bot', wiki: 'enwiki' } as const;
  expect(rankingOf(DEFAULT_CHOICE)).toBeNull();
  expect(rankingOf(chosen)).toEqual({
    view: 'leaders',
    where: { span: '5m', wiki: 'enwiki', kind: 'bot' },
  });
  expect(rankingOf({ ...DEFAULT_CHOICE, kind: 'bot' })).toEqual({
    view: 'leaders',
    where: { span: 'start', wiki: '*', kind: 'bot' },
  });
  expect(latestOf(DEFAULT_CHOICE)).toEqual({ view: 'latest' });
  expect(latestOf(chosen)).toEqual({ view: 'latest', where: { wiki: 'enwiki', kind: 'bot' } });
});
