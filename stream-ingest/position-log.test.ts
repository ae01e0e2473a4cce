import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keptIds, PositionLog, type PositionRecord, type Standing } from './position-log.ts';

const at = (commit: number): Standing => ({
  owner: 'me',
  commit,
  kind: 'live',
  label: '',
  position: `p${commit}`,
});

/** As Kafka's cleaner may leave a topic: some of the older records of a key are gone. */
function compacted(records: readonly PositionRecord[], keep: (i: number) => boolean) {
  const last = new Map(records.map(({ key }, i) => [key, i]));
  return records.filter(({ key }, i) => last.get(key) === i || keep(i));
}

test('read again, whatever was compacted, it holds the position and the newest ids in order', () => {
  const sizes = fc.array(fc.oneof(fc.nat(3), fc.nat(250), fc.nat(4_000)), { maxLength: 12 });
  fc.assert(
    fc.property(sizes, fc.func(fc.boolean()), fc.nat(12), (batches, keep, restartAt) => {
      let log = PositionLog.read([]);
      const written: PositionRecord[] = [];
      const ids: string[] = [];
      for (const [n, size] of batches.entries()) {
        if (n === restartAt) log = PositionLog.read(compacted(written, keep));
        const batch = Array.from({ length: size }, (_, i) => `id${ids.length + i}`);
        const { log: next, records } = log.after(at(n), batch);
        log = next;
        ids.push(...batch);
        written.push(...records);
        const again = PositionLog.read(compacted(written, keep));
        for (const each of [log, again]) {
          expect(each.standing).toEqual(at(n));
          expect(each.newestIds).toEqual(ids.slice(-keptIds));
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('one change costs a hundred ids at most, and the keys stay few', () => {
  let log = PositionLog.read([]);
  const keys = new Set<string>();
  for (let n = 0; n < 11_000; n += 1) {
    const { log: next, records } = log.after(at(n), [`id${n}`]);
    log = next;
    for (const { key, value } of records) {
      keys.add(key);
      expect(value.length).toBeLessThan(2_000);
    }
  }
  expect(keys.size).toBe(102);
});

test('what is not ours is named', () => {
  expect(() => PositionLog.read([{ key: 'position', value: '{"owner": 1}' }])).toThrow(
    'expected a record of stream-ingest under "position", got {"owner": 1}',
  );
});
