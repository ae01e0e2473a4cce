import fc from 'fast-check';
import { BOUNDS, type ClientMessage, ERROR_CODES, type ServerMessage } from './message.ts';

/** For tests: every message that the protocol allows, at random. */

const timestamp = fc.maxSafeNat();
const frontier = fc.oneof(timestamp, fc.constant('end' as const));
const id = fc.string({ minLength: 1, maxLength: BOUNDS.idLength });
const name = fc.string({ minLength: 1, maxLength: 40 }).filter((text) => text !== '__proto__');
const uuid = fc.uuid({ version: 4 });
const channel = fc.nat();
const value = fc
  .jsonValue({ maxDepth: 3 })
  // What JSON says is what travels: no −0, no key that assigning would swallow.
  .map((json) => JSON.parse(JSON.stringify(json).replaceAll('__proto__', 'proto')));
const byName = <T>(of: fc.Arbitrary<T>, maxKeys = 3) => fc.dictionary(name, of, { maxKeys });

const filterValue = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.string({ maxLength: 20 }),
);
const request = fc.record(
  { view: name, where: byName(filterValue) },
  { requiredKeys: ['view'], noNullPrototype: true },
);
const from = fc.record(
  {
    epoch: fc.string({ minLength: 1, maxLength: BOUNDS.epochLength }),
    timestamp: frontier,
    held: byName(frontier),
  },
  { requiredKeys: ['epoch', 'timestamp'], noNullPrototype: true },
);

/** What a client may say. */
export const clientMessages: fc.Arbitrary<ClientMessage> = fc.oneof(
  fc.record(
    {
      type: fc.constant('subscribe' as const),
      id,
      views: fc.uniqueArray(request, { minLength: 1, maxLength: 4, selector: ({ view }) => view }),
      from,
      everyMs: fc.nat(BOUNDS.everyMs),
    },
    { requiredKeys: ['type', 'id', 'views'], noNullPrototype: true },
  ),
  fc.record({ type: fc.constant('unsubscribe' as const), id }),
  fc.record({ type: fc.constant('submit' as const), id: uuid, topic: name, value }),
  fc.record({
    type: fc.constant('auth' as const),
    token: fc.string({ minLength: 1, maxLength: 99 }),
  }),
  fc.record({ type: fc.constant('ack' as const), channel, upper: frontier }),
);

const diff = fc.oneof(fc.integer({ min: 1 }), fc.integer({ max: -1 }));
const change = fc.tuple(diff, fc.array(value, { maxLength: 4 }));
const hash = fc.stringMatching(/^[0-9a-f]{16}$/);
const columns = fc.array(fc.record({ name: fc.string(), type: fc.string() }), { maxLength: 3 });
const codes = Object.keys(ERROR_CODES) as (keyof typeof ERROR_CODES)[];
const limits = fc.record({
  messageBytes: fc.nat(),
  jsonDepth: fc.nat(),
  subscriptions: fc.nat(),
  messagesPerSecond: fc.nat(),
  messageBurst: fc.nat(),
  unacknowledgedBytes: fc.nat(),
  laggingMs: fc.nat(),
});

/** What a server may say. */
export const serverMessages: fc.Arbitrary<ServerMessage> = fc.oneof(
  fc.record({
    type: fc.constant('hello' as const),
    protocol: fc.integer({ min: 1 }),
    schema: fc.string(),
    auth: fc.constantFrom('none' as const, 'required' as const),
    quietMs: fc.integer({ min: 1 }),
    limits,
  }),
  fc.record({
    type: fc.constant('authorized' as const),
    expiresInMs: fc.option(fc.nat()),
  }),
  fc.record(
    {
      type: fc.constant('subscribed' as const),
      id,
      channel,
      epoch: fc.string({ minLength: 1, maxLength: BOUNDS.epochLength }),
      columns: byName(columns),
      resumed: fc.constantFrom('snapshot' as const, 'batch' as const),
      reason: fc.constantFrom('expired' as const, 'epoch' as const, 'smaller' as const),
    },
    {
      requiredKeys: ['type', 'id', 'channel', 'epoch', 'columns', 'resumed'],
      noNullPrototype: true,
    },
  ),
  fc.record(
    {
      type: fc.constant('batch' as const),
      channel,
      lower: fc.option(frontier),
      upper: frontier,
      changes: byName(fc.array(change, { maxLength: 4 })),
      held: byName(frontier),
      part: fc.nat(),
      parts: fc.integer({ min: 1 }),
    },
    { requiredKeys: ['type', 'channel', 'lower', 'upper', 'changes'], noNullPrototype: true },
  ),
  fc.record(
    {
      type: fc.constant('progress' as const),
      channel,
      upper: frontier,
      hash: byName(hash),
      held: byName(frontier),
    },
    { requiredKeys: ['type', 'channel', 'upper', 'hash'], noNullPrototype: true },
  ),
  fc.record({
    type: fc.constant('status' as const),
    channel,
    state: fc.constantFrom('live' as const, 'stale' as const),
  }),
  fc.record({ type: fc.constant('accepted' as const), id: uuid }),
  fc.record({ type: fc.constant('archived' as const), id: uuid, timestamp: frontier }),
  fc.record(
    {
      type: fc.constant('error' as const),
      id,
      code: fc.constantFrom(...codes),
      message: fc.string(),
      retryMs: fc.nat(),
    },
    { requiredKeys: ['type', 'code', 'message'], noNullPrototype: true },
  ),
);
