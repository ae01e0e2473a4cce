import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareFrontiers, type Frontier } from '../../protocol/update.ts';
import { frontierAt, type Position, standsAt } from './position.ts';

const VIEWS = ['a', 'b', 'c'];
const frontier = fc.oneof(fc.nat(5), fc.constant<Frontier>('end'));
const position = fc.record({
  frontier,
  held: fc.dictionary(fc.constantFrom('a', 'b'), frontier),
});

test('a position stands at a frontier exactly when each of its views does', () =>
  fc.assert(
    fc.property(position, frontier, (at: Position, wanted) => {
      const each = VIEWS.map((view) => compareFrontiers(frontierAt(at, view), wanted) >= 0);
      expect(standsAt(at, wanted)).toBe(each.every((stands) => stands));
    }),
  ));
