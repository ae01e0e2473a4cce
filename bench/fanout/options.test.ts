import { expect, test } from 'vitest';
import { OptionsError, parseOptions, SECTIONS } from './options.ts';

test('nothing said means everything', () => {
  const options = parseOptions([]);
  expect(options.sections).toEqual(SECTIONS);
  expect(options.viewers).toEqual([100, 1_000, 5_000, 10_000]);
  expect(options.pairs).toBeGreaterThanOrEqual(30);
});

test('sections and sizes can be chosen', () => {
  const options = parseOptions(['storm', 'pairs', '--viewers', '50,60', '--rounds=2']);
  expect(options).toMatchObject({ sections: ['storm', 'pairs'], viewers: [50, 60], rounds: 2 });
  expect(parseOptions(['--quick']).viewers).toEqual([100, 1_000]);
});

test('what is no option is said', () => {
  for (const args of [['latency'], ['--viewers', 'many'], ['--rounds=0'], ['--no']]) {
    expect(() => parseOptions(args)).toThrow(OptionsError);
  }
});
