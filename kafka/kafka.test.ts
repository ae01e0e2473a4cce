import fc from 'fast-check';
import pino from 'pino';
import { expect, test, vi } from 'vitest';
import { codeOf, isFenced } from './errors.ts';
import { kafkaClient, parseBrokers } from './kafka.ts';
import { levelOf } from './log.ts';
import { cutBySize, IdempotentProducer, type Outgoing } from './producer.ts';

test('addresses by commas, or what is wrong with them', () => {
  expect(parseBrokers('a:9092, b.example:19092,[::1]:9092')).toEqual([
    'a:9092',
    'b.example:19092',
    '[::1]:9092',
  ]);
  for (const wrong of ['', 'a', 'a:', 'a:b', 'a:9092,', 'http://a:9092', 'a:1 b:2']) {
    expect(parseBrokers(wrong), wrong).toContain('expected host:port, got ');
  }
});

test('sends keep every message in its order, and none is longer than it may be but by one message', () => {
  const message = fc.record({
    topic: fc.constantFrom('a', 'b'),
    key: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    value: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  });
  const bytes = (send: readonly Outgoing[]) =>
    send.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  fc.assert(
    fc.property(fc.array(message), fc.integer({ min: 1, max: 1_000 }), (messages, longest) => {
      const sends = cutBySize(messages, longest);
      expect(sends.flat()).toEqual(messages);
      for (const send of sends) expect(send.length === 1 || bytes(send) <= longest).toBe(true);
    }),
  );
});

test('what kafkajs mends by itself is no error of ours', () => {
  const line = (level: number, message: string, error = '') => ({
    level,
    log: { message, error, timestamp: '' },
  });
  expect(levelOf(line(1, 'Response GroupCoordinator', 'The group coordinator is loading'))).toBe(
    'debug',
  );
  expect(levelOf(line(1, 'Connection error: connect ECONNREFUSED'))).toBe('debug');
  expect(levelOf(line(4, 'Consumer has joined the group'))).toBe('debug');
  expect(levelOf(line(1, 'Offset out of range, resetting to default offset'))).toBe('error');
});

test('a code is found beneath what kafkajs wraps around it', () => {
  const fenced = Object.assign(new Error('x'), { type: 'PRODUCER_FENCED' });
  expect(codeOf(new Error('outer', { cause: fenced }))).toBe('PRODUCER_FENCED');
  expect(isFenced(Object.assign(new Error('outer'), { originalError: fenced }))).toBe(true);
  expect(isFenced(new Error('other'))).toBe(false);
  expect(codeOf('text')).toBe('');
});

test('sends are one at a time, and what failed is followed by another producer', async () => {
  const log = pino({ level: 'silent' });
  const kafka = kafkaClient({ brokers: '127.0.0.1:1', clientId: 'test', log });
  const said: string[] = [];
  let made = 0;
  vi.spyOn(kafka, 'producer').mockImplementation((config) => {
    made += 1;
    const name = made;
    const real = kafkaClient({ brokers: '127.0.0.1:1', clientId: 'test', log }).producer(config);
    return {
      ...real,
      connect: async () => {},
      disconnect: async () => {
        said.push(`end ${name}`);
      },
      sendBatch: async ({ topicMessages = [] }) => {
        const text = String(topicMessages[0]?.messages[0]?.value);
        said.push(`${name}: ${text}`);
        await new Promise((resolve) => setImmediate(resolve));
        if (text === 'lost') throw new Error('Request timed out');
        said.push(`${name}: ${text} is there`);
        return [{ topicName: 't', partition: 0, errorCode: 0, baseOffset: '7' }];
      },
    };
  });
  const producer = new IdempotentProducer(kafka);
  const send = (text: string) =>
    producer.send([{ topic: 't', key: Buffer.of(), value: Buffer.from(text) }]);
  const [first, second, third] = await Promise.allSettled([send('a'), send('lost'), send('b')]);
  expect(first).toEqual({ status: 'fulfilled', value: new Map([['t', 7]]) });
  expect(second.status).toBe('rejected');
  expect(third.status).toBe('fulfilled');
  expect(said).toEqual(['1: a', '1: a is there', '1: lost', 'end 1', '2: b', '2: b is there']);
  await producer.close();
  expect(said.at(-1)).toBe('end 2');
});
