import { CLOSE } from '../../protocol/close.ts';
import { BAD_MESSAGES } from '../bad-messages.ts';
import { type Check, firstView } from '../check.ts';
import { Rule } from '../rule.ts';

/** A WebSocket's close may be long in coming where pings are not answered: 25 s, 10 s and some. */
const PING_DEADLINE_MS = 60_000;

const padded = (bytes: number): string => '{"type":"unsubscribe","id":"a"}'.padEnd(bytes);

/** How violations are answered. */
export const refusing: readonly Check[] = [
  ...BAD_MESSAGES.map(
    ({ name, data }): Check => ({
      rule: 'Client to server',
      name: `${name} is answered by \`bad_message\` and 4002`,
      run: async (site) => {
        const connection = await site.open();
        connection.sayRaw(data);
        await connection.expectRefusal();
      },
    }),
  ),
  {
    rule: 'Client to server',
    name: 'what came before a bad message is done, what comes after is not',
    run: async (site) => {
      const connection = await site.open();
      const track = connection.ask({ views: [{ view: firstView(site) }] });
      connection.sayRaw('nonsense');
      connection.sayRaw('{"type":"subscribe","id":"late","views":[{"view":"no such view"}]}');
      await connection.expectRefusal();
      Rule.expect('Messages', '`subscribed`', track.subscribed !== undefined, connection.heard);
      const late = connection.heard.some((one) => one.type === 'error' && one.id === 'late');
      Rule.expect('Messages', 'no answer after the bad message', !late, connection.heard);
    },
  },
  {
    rule: 'Limits',
    name: 'a message of `messageBytes` is taken, one byte more is closed with 4009',
    run: async (site) => {
      const { messageBytes } = site.hello.limits;
      const connection = await site.open();
      connection.sayRaw(padded(messageBytes));
      await connection.subscribe({ views: [{ view: firstView(site) }] });
      connection.sayRaw(padded(messageBytes + 1));
      await connection.expectClose(CLOSE.tooLarge);
    },
  },
  {
    rule: 'Limits',
    name: 'the limit counts bytes and not characters',
    run: async (site) => {
      const { messageBytes } = site.hello.limits;
      const connection = await site.open();
      const text = `{"type":"unsubscribe","id":"${'é'.repeat(20)}"}`;
      connection.sayRaw(text.padEnd(messageBytes - 10));
      await connection.expectClose(CLOSE.tooLarge);
    },
  },
  {
    rule: 'Limits',
    name: 'a message far beyond the limit ends the connection',
    run: async (site) => {
      const connection = await site.open();
      connection.sayRaw(padded(40 * site.hello.limits.messageBytes));
      await connection.awaitEnd();
    },
  },
  {
    rule: 'Limits',
    name: 'a burst is taken, and more than that is closed with 4029',
    run: async (site) => {
      const { messageBurst, messagesPerSecond } = site.hello.limits;
      const connection = await site.open();
      for (let n = 1; n < messageBurst; n++) connection.say({ type: 'unsubscribe', id: `u${n}` });
      await connection.listen(1_000);
      await connection.subscribe({ views: [{ view: firstView(site) }] });
      const many = messageBurst + 20 * messagesPerSecond;
      for (let n = 0; n < many; n++) connection.say({ type: 'unsubscribe', id: `u${n}` });
      await connection.expectClose(CLOSE.rate);
    },
  },
  {
    rule: 'Closing',
    name: 'a viewer that answers no pings is given up',
    run: async (site) => {
      site.slowly();
      const connection = await site.open({ pongs: false });
      connection.ask({ views: [{ view: firstView(site) }] });
      await connection.awaitEnd(PING_DEADLINE_MS);
    },
  },
  {
    rule: 'Closing',
    name: 'a viewer that only listens, and answers pings, is not',
    run: async (site) => {
      site.slowly();
      const connection = await site.open();
      await connection.subscribe({ views: [{ view: firstView(site) }] });
      await connection.listen(PING_DEADLINE_MS);
    },
  },
  {
    rule: 'Refusals',
    name: 'a page of an unknown Origin gets no WebSocket',
    run: async (site) => {
      const opened = await site.open({ origin: 'https://conformance.invalid' }).then(
        () => true,
        (error: unknown) => {
          if (!(error instanceof Rule)) throw error;
          Rule.expect('Refusals', 'the status 403', error.message.includes('403'), error.message);
          return false;
        },
      );
      Rule.expect('Refusals', 'a refusal', !opened, 'a WebSocket');
    },
  },
];
