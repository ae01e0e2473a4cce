import { expect, test } from 'vitest';
import { readWindow } from './window.ts';

test('a window is read from among other conditions, and only in its one form', () => {
  const read = (filter: string) => readWindow(filter, 'NOW()', 't');
  expect(read("((t.u <> ') AND ('::text) AND (NOW() <= ((t.a + 60000))::numeric))")).toEqual({
    column: 't.a',
    spanMs: 60_000,
    rest: "(t.u <> ') AND ('::text)",
  });
  expect(read("(NOW() <= ('x AND y'::text)::numeric)")).toBeNull();
  expect(read('(NOW() <= (t.a)::numeric)')).toEqual({ column: 't.a', spanMs: 0, rest: null });
  expect(read('(NOW() < (t.a)::numeric)')).toBeNull();
  expect(read('((NOW() <= (t.a)::numeric) OR (t.b = 1))')).toBeNull();
  expect(read('((NOW() <= (t.a)::numeric) AND (NOW() > (t.b)::numeric))')).toBeNull();
  expect(read('(NOW() <= ((t.a * 2))::numeric)')).toMatchObject({ column: '(t.a * 2)' });
  expect(read('(NOW() <= ((u.a * 2))::numeric)')).toBeNull();
});
