import fc from 'fast-check';
import { BAD_MESSAGES } from '../../conformance/bad-messages.ts';
import type { ClientMessage, ViewRequest } from '../../protocol/message.ts';
import { clientMessages } from '../../protocol/message-samples.ts';

/** Where a made-up viewer says it stands: a past frontier of the view, or anything. */
export type FromKind =
  | { readonly kind: 'past'; readonly back: number }
  | { readonly kind: 'other'; readonly epoch: string | null; readonly timestamp: number | 'end' };

/** A message that the protocol allows, about views that are there or not. */
export type Legal =
  | { readonly kind: 'said'; readonly message: ClientMessage }
  | {
      readonly kind: 'subscribe';
      readonly id: string;
      readonly views: readonly ViewRequest[];
      readonly from: FromKind | null;
      readonly everyMs: number | null;
    };

/** What one connection says: messages that are allowed, then one that is broken. */
export interface Conversation {
  readonly legal: readonly Legal[];
  readonly last: string | Uint8Array;
}

/** Few ids, so that they meet. */
const id = fc.constantFrom('a', 'b', 'c', 'd', '__proto__', 'constructor', '💥');
const where = fc.oneof(
  fc.record({ user: fc.constantFrom('user 1', 'user 2', 'nobody', 1, null, true) }),
  fc.record({ count: fc.constantFrom(1, 2, '1', null) }),
  fc.record({ user: fc.constantFrom('user 1', 'user 2'), count: fc.nat(5) }),
  fc.dictionary(fc.constantFrom('toString', 'hasOwnProperty', 'x'), fc.nat(), { maxKeys: 2 }),
);
const view = fc.oneof(
  { arbitrary: fc.constantFrom('one', 'two'), weight: 8 },
  { arbitrary: fc.constantFrom('toString', "one'; --", 'One', 'one ', '../one'), weight: 1 },
);
const request = fc.oneof(
  { arbitrary: fc.record({ view }), weight: 3 },
  { arbitrary: fc.record({ view, where }), weight: 2 },
);
const from = fc.oneof(
  fc.record({ kind: fc.constant('past' as const), back: fc.nat(50) }),
  fc.record({
    kind: fc.constant('other' as const),
    // Null stands for the view's own.
    epoch: fc.oneof(fc.constant(null), fc.string({ minLength: 1, maxLength: 64 })),
    timestamp: fc.oneof(
      fc.maxSafeNat(),
      fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER, 'end' as const),
    ),
  }),
);
const subscribe = fc.record({
  kind: fc.constant('subscribe' as const),
  id,
  views: fc.uniqueArray(request, { minLength: 1, maxLength: 3, selector: (one) => one.view }),
  from: fc.option(from),
  everyMs: fc.option(fc.constantFrom(0, 1, 50, 60_000)),
});
const said = fc
  .oneof(
    fc.record({ type: fc.constant('unsubscribe' as const), id }),
    fc.record({
      type: fc.constant('ack' as const),
      channel: fc.nat(40),
      upper: fc.oneof(fc.maxSafeNat(), fc.constant('end' as const)),
    }),
    clientMessages,
  )
  .map((message) => ({ kind: 'said' as const, message }));

/** Twists a text that was a message: any character, any part, any value. */
const twisted = fc
  .tuple(clientMessages, fc.nat(), fc.nat(), fc.string({ maxLength: 6 }), fc.nat(5))
  .map(([message, a, b, insert, way]) => {
    const text = JSON.stringify(message);
    const [at, to] = [a % text.length, (a % text.length) + (b % 8)];
    switch (way) {
      case 0:
        return text.slice(0, at);
      case 1:
        return text.slice(0, at) + insert + text.slice(at);
      case 2:
        return text.slice(0, at) + text.slice(to);
      case 3:
        return text.replace(/"(\w+)":/, `"${insert.replaceAll(/["\\]/g, '')}":`);
      case 4:
        return text.replace(/:[^:,}]*([,}])/, `:${nasty[b % nasty.length]}$1`);
      default:
        return text + text;
    }
  });
const nasty =
  '0 -1 1e999 1.5 "" null [] {} [[[[[[[[[1]]]]]]]]] true "\\ud800" 9007199254740993'.split(' ');
const broken = fc.oneof(
  fc.constantFrom(...BAD_MESSAGES.map(({ data }) => data)),
  twisted,
  fc.json(),
  fc.string({ maxLength: 200 }),
  fc.uint8Array({ maxLength: 50 }),
  fc.nat(70_000).map((length) => '[1],'.repeat(length / 4)),
);

/** What a connection may say, at random. */
export const conversations: fc.Arbitrary<Conversation> = fc.record({
  legal: fc.array(fc.oneof(subscribe, subscribe, said), {
    minLength: 4,
    maxLength: 26,
    size: 'max',
  }),
  last: broken,
});
