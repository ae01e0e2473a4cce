import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../../tests/runs.ts';
import { frame, text } from '../wire/backend.ts';
import { FakeEngine } from './fake-engine.ts';
import {
  bind,
  closePortal,
  describePortal,
  execute,
  FLUSH,
  parse,
  query,
  RawClient,
  SYNC,
} from './raw-client.ts';

const STATEMENTS = [
  'SELECT 1',
  'INSERT 1',
  'fail',
  'rows 5',
  'BEGIN',
  'COMMIT',
  'ROLLBACK',
  'SAVEPOINT x',
  'SHOW VIEWS',
  'SET cluster = c',
  'SET LOCAL datestyle = german',
  'DECLARE c CURSOR FOR SELECT rows 3',
  'DECLARE s CURSOR FOR SUBSCRIBE v',
  'FETCH 2 c',
  "FETCH ALL s WITH (TIMEOUT '0s')",
  'CLOSE ALL',
  'DISCARD ALL',
  'CREATE VIEW w AS SELECT 1',
  'SUBSCRIBE nosuch',
  '',
];
const sql = fc.constantFrom(...STATEMENTS);
const name = fc.constantFrom('', 'a', 'b');
const message = fc.oneof(
  sql.map((one) => ({ frame: query(one), ends: true })),
  fc.constant({ frame: SYNC, ends: true }),
  fc
    .oneof(
      fc.tuple(name, sql).map(([to, one]) => parse(to, one)),
      fc.tuple(name, name).map(([portal, from]) => bind(portal, from)),
      name.map(describePortal),
      fc.tuple(name, fc.constantFrom(0, 2)).map(([portal, rows]) => execute(portal, rows)),
      name.map(closePortal),
      fc.constant(FLUSH),
      fc.constant(frame('d', Buffer.from('x'))),
      fc.constant(frame('D', Buffer.from('S'), text('a'))),
    )
    .map((bytes) => ({ frame: bytes, ends: false })),
);

test('whatever a client says, in whatever order, each Sync and Query is answered once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 30, size: 'max' }), async (messages) => {
      const engine = new FakeEngine();
      const client = new RawClient(engine);
      client.send(...messages.map((one) => one.frame), SYNC, query('ROLLBACK; SHOW cluster'));
      await client.leave();
      expect(client.bugs).toEqual([]);
      const ready = client.received.filter((one) => one.startsWith('Z')).length;
      expect(ready).toBe(messages.filter((one) => one.ends).length + 2);
      expect(client.received.at(-1)).toBe('Z I');
      const held = engine.log.filter((line) => line === 'begin').length;
      expect(engine.log.filter((line) => line === 'release').length).toBe(held);
      expect(engine.subscriptions.every((one) => one.closed)).toBe(true);
    }),
    { numRuns: runs(500) },
  );
});
