import { BOUNDS } from '../protocol/message.ts';

/** A message that breaks the protocol, and how. */
export interface BadMessage {
  readonly name: string;
  readonly data: string | Uint8Array;
}

const long = (length: number): string => 'x'.repeat(length);
const views = [{ view: 'v' }];
const subscribe = { type: 'subscribe', id: 'a', views };
const nested = (depth: number): unknown => (depth === 0 ? 0 : [nested(depth - 1)]);
const columns = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`c${n}`, n]));
const filter = (where: unknown): object => ({ ...subscribe, views: [{ view: 'v', where }] });
const UUID = '7d7f0ac5-24a4-4bb4-9a54-7b6c0a1c7a0e';
const submit = { type: 'submit', id: UUID, topic: 't', value: 1 };
const BEYOND = 2 ** 53;

const TEXTS: Readonly<Record<string, string>> = {
  'an empty message': '',
  'no JSON': 'hello',
  'JSON cut short': '{"type":"unsubscribe","id":"a"',
  'two values in one message': '{"type":"unsubscribe","id":"a"}{"type":"unsubscribe","id":"b"}',
  'a byte order mark': '\ufeff{"type":"unsubscribe","id":"a"}',
  'a number that JSON has not': '{"type":"ack","channel":NaN,"upper":1}',
  'a key __proto__': '{"type":"unsubscribe","id":"a","__proto__":{"x":1}}',
  'a key __proto__ in a filter':
    '{"type":"subscribe","id":"a","views":[{"view":"v","where":{"__proto__":1}}]}',
  'a key __proto__ in a value': `{"type":"submit","id":"${UUID}","topic":"t","value":{"__proto__":1}}`,
  'a thousand levels': '['.repeat(1_000) + ']'.repeat(1_000),
  'half of a thousand levels': '['.repeat(8_000),
};

const VALUES: Readonly<Record<string, unknown>> = {
  null: null,
  'a list': [subscribe],
  'a text': 'subscribe',
  'a number': 1,
  'no type': { id: 'a' },
  'an unknown type': { type: 'subscribed2', id: 'a' },
  'a type in capitals': { type: 'SUBSCRIBE', id: 'a', views },
  'a type that is no text': { type: ['subscribe'], id: 'a', views },
  'a type of every object': { type: 'constructor', id: 'a' },
  'a message of the server': { type: 'accepted', id: UUID },
  'an unknown field': { ...subscribe, wher: { a: 1 } },
  'an unknown field of a view': { ...subscribe, views: [{ view: 'v', were: {} }] },
  'subscribe: no id': { type: 'subscribe', views },
  'subscribe: an empty id': { ...subscribe, id: '' },
  'subscribe: an id too long': { ...subscribe, id: long(BOUNDS.idLength + 1) },
  'subscribe: an id that is a number': { ...subscribe, id: 1 },
  'subscribe: no views': { type: 'subscribe', id: 'a' },
  'subscribe: an empty list of views': { ...subscribe, views: [] },
  'subscribe: a view as text': { ...subscribe, views: ['v'] },
  'subscribe: too many views': {
    ...subscribe,
    views: Array.from({ length: BOUNDS.views + 1 }, (_, n) => ({ view: `v${n}` })),
  },
  'subscribe: a view twice': { ...subscribe, views: [...views, ...views] },
  'subscribe: an empty name': { ...subscribe, views: [{ view: '' }] },
  'subscribe: a name too long': { ...subscribe, views: [{ view: long(BOUNDS.nameLength + 1) }] },
  'subscribe: everyMs below 0': { ...subscribe, everyMs: -1 },
  'subscribe: everyMs too long': { ...subscribe, everyMs: BOUNDS.everyMs + 1 },
  'subscribe: everyMs that is no integer': { ...subscribe, everyMs: 1.5 },
  'subscribe: everyMs as text': { ...subscribe, everyMs: '5' },
  'subscribe: from without an epoch': { ...subscribe, from: { timestamp: 1 } },
  'subscribe: from without a timestamp': { ...subscribe, from: { epoch: 'e' } },
  'subscribe: from with an epoch too long': {
    ...subscribe,
    from: { epoch: long(BOUNDS.epochLength + 1), timestamp: 1 },
  },
  'subscribe: from below 0': { ...subscribe, from: { epoch: 'e', timestamp: -1 } },
  'subscribe: from beyond 2^53 − 1': { ...subscribe, from: { epoch: 'e', timestamp: BEYOND } },
  'subscribe: from a text': { ...subscribe, from: { epoch: 'e', timestamp: '1' } },
  'subscribe: from null': { ...subscribe, from: null },
  'subscribe: held that is a list': { ...subscribe, from: { epoch: 'e', timestamp: 1, held: [] } },
  'where: a list': filter([1]),
  'where: too many columns': filter(columns(BOUNDS.filterColumns + 1)),
  'where: a value that is an object': filter({ a: {} }),
  'where: a text too long': filter({ a: long(BOUNDS.filterTextLength + 1) }),
  'unsubscribe: no id': { type: 'unsubscribe' },
  'ack: no upper': { type: 'ack', channel: 1 },
  'ack: a channel below 0': { type: 'ack', channel: -1, upper: 1 },
  'ack: a channel that is no integer': { type: 'ack', channel: 0.5, upper: 1 },
  'ack: an upper null': { type: 'ack', channel: 1, upper: null },
  'ack: another word than end': { type: 'ack', channel: 1, upper: 'END' },
  'submit: an id that is no UUID': { ...submit, id: 'a' },
  'submit: no value': { type: 'submit', id: UUID, topic: 't' },
  'submit: no topic': { type: 'submit', id: UUID, value: 1 },
  'submit: a value too deep': { ...submit, value: nested(BOUNDS.jsonDepth) },
  'auth: no token': { type: 'auth' },
  'auth: an empty token': { type: 'auth', token: '' },
  'auth: a token too long': { type: 'auth', token: long(BOUNDS.tokenLength + 1) },
  'auth: a token that is an object': { type: 'auth', token: {} },
};

/** One of every kind of message that `bad_message` and 4002 answer (PROTOCOL.md, "Client to server"). */
export const BAD_MESSAGES: readonly BadMessage[] = [
  ...Object.entries(TEXTS).map(([name, data]) => ({ name, data })),
  ...Object.entries(VALUES).map(([name, value]) => ({ name, data: JSON.stringify(value) })),
  {
    name: 'a binary message',
    data: new TextEncoder().encode('{"type":"unsubscribe","id":"a"}'),
  },
  { name: 'an empty binary message', data: new Uint8Array() },
];
