import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Committer, type RowsToCommit } from './committer.ts';

function part(next: number, rows: number, partition = 0): RowsToCommit {
  const row = { line: 'x', key: [] };
  return { partition, rows: Array.from({ length: rows }, () => row), next: BigInt(next) };
}

test('all is committed once and in order, up to a failure and nothing after it', async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), sizes, fc.nat(30), async (scheduler, counts, failAt) => {
      const committed: bigint[] = [];
      const failures: unknown[] = [];
      let commits = 0;
      const committer = new Committer(
        async (parts) => {
          await scheduler.schedule(Promise.resolve());
          const rows = parts.reduce((sum, each) => sum + each.rows.length, 0);
          expect(parts.length === 1 || rows <= 1_000).toBe(true);
          if (commits++ === failAt) throw new Error('no');
          committed.push(...parts.map(({ next }) => next));
        },
        (error) => failures.push(error),
      );
      const adding = (async () => {
        for (const [at, rows] of counts.entries()) await committer.add(part(at + 1, rows));
        await committer.settled();
      })();
      await scheduler.waitFor(adding);
      expect(committed).toEqual(counts.map((_, at) => BigInt(at + 1)).slice(0, committed.length));
      expect(failures.length).toBe(commits > failAt ? 1 : 0);
      if (failures.length === 0) expect(committed.length).toBe(counts.length);
    }),
  );
});

test('whoever adds to many that wait waits with them', async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const committer = new Committer(
    () => held,
    () => {},
  );
  for (let next = 1; next <= 3; next++) await committer.add(part(next, 900));
  let isAdded = false;
  const adding = committer.add(part(4, 900)).then(() => {
    isAdded = true;
  });
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  expect(isAdded).toBe(false);
  release();
  await adding;
  await committer.settled();
});
