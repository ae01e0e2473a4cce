import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CLOSE } from '../protocol/close.ts';
import { add } from '../protocol/multiset.ts';
import type { Changes } from '../protocol/update.ts';
import { runs } from '../tests/runs.ts';
import type { Fault } from './fake-server.ts';
import { identity } from './fake-view.ts';
import { type FakeViews, type FakeWorld, fakeWorld } from './fake-world.ts';
import type { Subscription } from './subscription.ts';

/** Walks for each property. A failure prints the seed that replays it. */
const RUNS = runs(300);

/** One step of a random walk. */
type Walk =
  | { readonly do: 'move'; readonly top: Changes; readonly counter: number }
  | { readonly do: 'prove' | 'renew' | 'forget' | 'cut' | 'drain' | 'wake' }
  | { readonly do: 'fault'; readonly kind: FaultKind; readonly skip: number }
  | { readonly do: 'pass'; readonly ms: number };

type FaultKind = 'drop' | 'repeat' | 'swap' | 'flip';

const users = fc.constantFrom('a', 'b', 'Zoë', '🜁', '__proto__');
const changes = fc
  .array(fc.tuple(users, fc.nat(2), fc.constantFrom(-2, -1, 1, 1, 2)), { maxLength: 6 })
  .map((all): Changes => new Map(all.map(([user, n, diff]) => [identity([user, n]), diff])));
const walkOf = (...kinds: FaultKind[]): fc.Arbitrary<Walk> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('move' as const), top: changes, counter: fc.nat(9) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('prove' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom('renew' as const, 'forget', 'cut', 'drain', 'wake'),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('fault' as const),
        kind: fc.constantFrom(...kinds),
        skip: fc.nat(3),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('pass' as const),
        ms: fc.constantFrom(0, 1, 2, 3, 700, 6_000, 41_000),
      }),
    },
  );

/** Damages one text after letting `skip` pass. `hello` stays whole: TCP loses no beginning. */
function faultOf(kind: FaultKind, skip: number): Fault {
  let left = skip;
  let kept: string | undefined;
  let done = false;
  return (text) => {
    if (kept !== undefined) {
      const swapped = [text, kept];
      kept = undefined;
      return swapped;
    }
    if (done || left-- > 0) return [text];
    done = true;
    if (kind === 'drop') return [];
    if (kind === 'repeat') return [text, text];
    if (kind === 'flip') return [text.replace(/"a",/, '"c",').replace(/\[1,\[/, '[2,[')];
    kept = text;
    return [];
  };
}

/** The rows a subscription shows, as a multiset. */
function shown(subscription: Subscription<Pick<FakeViews, 'top'>>): Changes {
  const rows = new Map<string, number>();
  for (const row of subscription.rows('top')) {
    rows.set(identity(row), (rows.get(identity(row)) ?? 0) + 1);
  }
  return rows;
}

function take(world: FakeWorld, walk: Walk): void {
  const { server, clock } = world;
  switch (walk.do) {
    case 'move': {
      const before = [...server.rows('counter')];
      const counter = new Map([
        ...before.map(([row]) => [row, -1] as const),
        [identity([walk.counter]), 1],
      ]);
      if (before.some(([row]) => row === identity([walk.counter]))) counter.clear();
      server.move(10, { top: walk.top, counter });
      break;
    }
    case 'prove':
      server.prove(5);
      break;
    case 'renew':
      server.renew();
      break;
    case 'forget':
      server.forget();
      break;
    case 'cut':
      server.cut();
      break;
    case 'drain':
      server.cut(CLOSE.draining, 300);
      break;
    case 'wake':
      world.wake();
      break;
    case 'fault':
      server.fault = faultOf(walk.kind, walk.skip);
      break;
    case 'pass':
      clock.advance(walk.ms);
      break;
  }
}

/** Faults end, quiet is proved again and again: everything must become right by itself. */
function heal({ server, clock }: FakeWorld): void {
  server.fault = (text) => [text];
  for (let n = 0; n < 30; n++) {
    server.prove(5);
    clock.advance(5_000);
  }
}

/** What a follower has seen: how many states were compared, and those that were wrong. */
interface Record {
  readonly subscription: Subscription<Pick<FakeViews, 'top'>>;
  compared: number;
  readonly wrong: string[];
}

/** Follows one view and compares every state it shows with the server's at that timestamp. */
function follow(world: FakeWorld, where?: { readonly user: string }): Record {
  let lastUpper = -1;
  const folded = new Map<string, number>();
  const subscription = world.client.subscribe('top', {
    ...(where === undefined ? {} : { where: { top: where } }),
    onBatch({ lower, upper, changes }) {
      for (const [diff, row] of changes('top')) add(folded, identity(row), diff);
      const rows = shown(subscription);
      const truth = world.server.truth('top', Number(upper), where);
      const expectations = [
        ['rows differ from the server', same(rows, truth)],
        ['rows differ from the fold of all batches', same(rows, folded)],
        ['a batch does not continue', lower === null || Number(lower) >= lastUpper],
        ['a batch goes back in time', lower === null || Number(upper) >= Number(lower)],
        ['the frontier is not the upper', subscription.frontier === upper],
      ] as const;
      for (const [what, holds] of expectations) {
        if (!holds) record.wrong.push(`${what} at ${upper} from ${lower}`);
      }
      record.compared += 1;
      lastUpper = Number(upper);
    },
  });
  const record: Record = { subscription, compared: 0, wrong: [] };
  return record;
}

function same(a: Changes, b: Changes | undefined): boolean {
  return b !== undefined && a.size === b.size && [...a].every(([row, n]) => b.get(row) === n);
}

function run(
  walks: readonly Walk[],
  judge: (world: FakeWorld, records: readonly Record[]) => void,
) {
  const world = fakeWorld();
  const records = [follow(world), follow(world, { user: 'a' })];
  world.clock.advance(10);
  for (const walk of walks) take(world, walk);
  heal(world);
  const [all, some] = records;
  if (all === undefined || some === undefined) throw new Error('two records were made');
  expect(all.subscription.status.state).toBe('live');
  expect(all.subscription.frontier).toBe(world.server.time);
  expect(shown(all.subscription)).toEqual(world.server.rows('top'));
  expect(shown(some.subscription)).toEqual(world.server.rows('top', { user: 'a' }));
  judge(world, records);
  world.client.close();
  world.clock.advance(100);
  expect(world.clock.pending).toBe(0);
}

test('C2, C3, C4, C5, F13: lost, repeated and swapped messages never show, and all comes right', () => {
  let compared = 0;
  fc.assert(
    fc.property(
      fc.array(walkOf('drop', 'repeat', 'swap'), { maxLength: 40, size: 'max' }),
      (walks) => {
        run(walks, (_world, records) => {
          for (const record of records) {
            expect(record.wrong).toEqual([]);
            compared += record.compared;
          }
        });
      },
    ),
    { numRuns: RUNS },
  );
  expect(compared).toBeGreaterThan(3 * RUNS);
});

test('C5, F28: damaged messages are found by the hash and repaired', () => {
  fc.assert(
    fc.property(fc.array(walkOf('drop', 'flip'), { maxLength: 40, size: 'max' }), (walks) => {
      run(walks, () => {});
    }),
    { numRuns: RUNS },
  );
});
