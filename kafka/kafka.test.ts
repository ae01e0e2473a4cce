import { createServer } from 'node:http';
import fc from 'fast-check';
import pino from 'pino';
import { expect, test, vi } from 'vitest';
import { codeOf, isFenced } from './errors.ts';
import { kafkaClient, parseBrokers } from './kafka.ts';
import { levelOf } from './log.ts';
import { readKafkaLogin } from './login.ts';
import { cutBySize, IdempotentProducer, type Outgoing } from './producer.ts';
import { Registry } from './registry.ts';

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

test('a login is complete, or what is missing is said without its password', () => {
  const user = { VIEWCAST_KAFKA_USER: 'me', VIEWCAST_KAFKA_PASSWORD: 'hunter2' };
  expect(readKafkaLogin({ VIEWCAST_KAFKA_TLS: '' })).toEqual({ ssl: false, sasl: null });
  expect(readKafkaLogin({ ...user, VIEWCAST_KAFKA_TLS: 'yes' })).toEqual({
    ssl: true,
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'me', password: 'hunter2' },
  });
  expect(readKafkaLogin({ ...user, VIEWCAST_KAFKA_SASL: 'PLAIN' })).toMatchObject({
    sasl: { mechanism: 'PLAIN' },
  });
  const wrong = [
    { VIEWCAST_KAFKA_TLS: 'perhaps' },
    { ...user, VIEWCAST_KAFKA_SASL: 'GSSAPI' },
    { VIEWCAST_KAFKA_SASL: 'PLAIN', VIEWCAST_KAFKA_PASSWORD: 'hunter2' },
    { VIEWCAST_KAFKA_USER: 'me' },
  ];
  for (const env of wrong) {
    const said = readKafkaLogin(env);
    expect(said).toContain(' must be ');
    expect(said).not.toContain('hunter2');
  }
});

test("a registry's login travels apart from its URL", async () => {
  const asked: (string | null)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers.authorization ?? null);
    response.end('{"schema": "\\"string\\""}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  await new Registry({ url: `http://me:p%40ss@127.0.0.1:${port}/` }).byId(1);
  await new Registry({ url: `http://127.0.0.1:${port}` }).byId(1);
  server.close();
  expect(asked).toEqual([`Basic ${Buffer.from('me:p@ss').toString('base64')}`, null]);
  const away = new Registry({ url: 'http://me:hunter2@127.0.0.1:1', attempts: 1 }).byId(1);
  const said = await away.catch((error: unknown) => String(error));
  expect(said).toContain('http://127.0.0.1:1 does not answer');
  expect(said).not.toContain('hunter2');
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
