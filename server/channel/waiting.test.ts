import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Waiting } from './waiting.ts';

const step = fc.oneof(
  fc.record({ do: fc.constant('add' as const), viewer: fc.nat(2), frontier: fc.nat(9) }),
  fc.record({ do: fc.constant('show' as const), viewer: fc.nat(2), frontier: fc.nat(9) }),
  fc.record({ do: fc.constant('look' as const) }),
);

test('each is called once, in order, as soon as somebody looks and never before', () =>
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const shown = [0, 0, 0];
      const called: number[] = [];
      let waits: { viewer: number; frontier: number; id: number }[] = [];
      const isShown = (viewer: number, frontier: number) => (shown[viewer] ?? 0) >= frontier;
      const waiting = new Waiting<number>((viewer, frontier) => isShown(viewer, Number(frontier)));
      const expected: number[] = [];
      steps.forEach((one, id) => {
        if (one.do === 'show') shown[one.viewer] = Math.max(shown[one.viewer] ?? 0, one.frontier);
        else if (one.do === 'add') {
          waiting.add(one.viewer, one.frontier, () => called.push(id));
          if (isShown(one.viewer, one.frontier)) expected.push(id);
          else waits.push({ viewer: one.viewer, frontier: one.frontier, id });
        } else {
          waiting.look();
          const due = waits.filter(({ viewer, frontier }) => isShown(viewer, frontier));
          expected.push(...due.map((wait) => wait.id));
          waits = waits.filter((wait) => !due.includes(wait));
        }
        expect(called).toEqual(expected);
      });
    }),
  ));

test('what is called may look again, and after a restart any frontier is shown by the first', () => {
  const called: string[] = [];
  let frontier = -1;
  const waiting = new Waiting<string>((_viewer, wanted) => Number(wanted) <= frontier);
  waiting.add('a', 5, () => {
    called.push('a');
    waiting.look();
  });
  waiting.add('b', 9, () => called.push('b'));
  frontier = 9;
  waiting.look();
  expect(called).toEqual(['a', 'b']);
  waiting.add('c', 50, () => called.push('c'));
  waiting.restart();
  frontier = -1;
  waiting.look();
  expect(called).toEqual(['a', 'b']);
  frontier = 0;
  waiting.look();
  expect(called).toEqual(['a', 'b', 'c']);
});
