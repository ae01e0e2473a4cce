import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../viewcast.ts';

const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');
const rows = [...readme.matchAll(/^\| (F\d+) \|.*\| ([^|]*) \|$/gm)].map(
  ([, fault = '', tests = '']) => ({
    fault,
    paths: [...tests.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path),
  }),
);

test('every fault is listed once, with its tests', () => {
  const listed = rows.map(({ fault }) => fault);
  expect(new Set(listed).size).toBe(listed.length);
  for (let number = 1; number <= 28; number++) {
    expect(listed).toContain(`F${number}`);
  }
});

test.each(rows)(
  '$fault: each file named has a test that carries the number',
  ({ fault, paths }) => {
    expect(paths.length).toBeGreaterThan(0);
    for (const path of paths) {
      const text = readFileSync(join(root, path), 'utf8');
      // In a name: after an opening quote, possibly behind other numbers.
      expect(text, path).toMatch(new RegExp(`['"\`][^'"\`\\n]*\\b${fault}\\b`));
    }
  },
);
