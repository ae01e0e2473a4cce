import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withoutPassword } from './without-password.ts';

test.each([
  ['postgres://u@h:6875/d', 'postgres://u@h:6875/d'],
  ['postgres://u:hunter2@h:6875/d?sslmode=require', 'postgres://u:…@h:6875/d?sslmode=require'],
  ['postgres://u:hun@ter/2@h/d', 'postgres://u:…@h/d'],
  ['postgres://h/d?user=u&password=hunter2&ssl=1', 'postgres://h/d?user=u&password=…&ssl=1'],
  ['u:hunter2@h', '…@h'],
  ['localhost', 'localhost'],
])('%s is shown as %s', (url, shown) => {
  expect(withoutPassword(url)).toBe(shown);
});

test('no password comes through, whatever characters it has', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (end) => {
      const password = `hunter2${end}`;
      expect(withoutPassword(`postgres://u:${password}@host/d`)).not.toContain('hunter2');
      expect(withoutPassword(`nonsense u:${password}@host/d`)).not.toContain('hunter2');
    }),
  );
});
