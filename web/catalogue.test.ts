import { expect, test } from 'vitest';
import { viewNames } from './catalogue.ts';

test('names are read from the catalogue, with or without its frame', () => {
  const views = [{ name: 'counter', columns: [] }, { name: 'input' }];
  expect([...viewNames({ views })]).toEqual(['counter', 'input']);
  expect([...viewNames(views)]).toEqual(['counter', 'input']);
});

test.each([null, 'x', 7, {}, { views: 7 }, { views: [null, 1, { name: 2 }] }])(
  '%j has no names',
  (answer) => {
    expect(viewNames(answer).size).toBe(0);
  },
);
