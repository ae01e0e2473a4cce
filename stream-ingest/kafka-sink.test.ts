import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frame } from '../avro/frame.ts';
import { parseSchema } from '../avro/schema.ts';
import { readTopicSchemas } from '../avro/topic-schemas.ts';
import type { Outgoing } from '../kafka/producer.ts';
import { RegistryError } from '../kafka/registry.ts';
import type { KafkaAccess, Term } from './kafka-access.ts';
import { KafkaSink } from './kafka-sink.ts';
import { PositionLog } from './position-log.ts';
import { type Fault, item, type SinkMaking, sinkSuite, upTo } from './sink.suite.ts';
import type { SinkNotice } from './sink.ts';
import { StoreError } from './store-error.ts';
import { virtualClock } from './virtual-clock.ts';

const topic = 'recentchange';
const schemas = await readTopicSchemas(topic);

/** What Kafka promises of transactions and of who holds office, in memory and with faults. */
class Cluster {
  transactions: (readonly Outgoing[])[] = [];
  #epoch = 0;

  access(step: () => Promise<Fault>, value = schemas.value): KafkaAccess {
    const doing = async <T>(effect: () => T): Promise<T> => {
      const fault = await step();
      if (fault === 'before') throw new Error('Connection closed');
      const result = effect();
      if (fault === 'after') throw new Error('Request timed out');
      return result;
    };
    return {
      prepare: () =>
        doing(() => ({
          key: (key) => frame(1, schemas.key.encode(key)),
          value: (content) => frame(2, value.encode(content)),
        })),
      takeOffice: () => doing(() => this.#term(++this.#epoch, doing)),
      readPosition: () =>
        doing(() =>
          this.transactions
            .flat()
            .filter((message) => message.topic === `${topic}-position`)
            .map((message) => ({ key: String(message.key), value: String(message.value) })),
        ),
    };
  }

  #term(epoch: number, doing: <T>(effect: () => T) => Promise<T>): Term {
    return {
      write: (messages) =>
        doing(() => {
          if (epoch !== this.#epoch) {
            throw Object.assign(new Error('fenced'), { type: 'INVALID_PRODUCER_EPOCH' });
          }
          this.transactions.push(messages);
        }),
      close: async () => {},
    };
  }

  changes(): readonly Readonly<Record<string, unknown>>[] {
    return this.transactions
      .flat()
      .filter((message) => message.topic === topic)
      .map(({ value }) => ({ ...Object(schemas.value.decode(value.subarray(5))) }));
  }

  stored() {
    const records = this.transactions
      .flat()
      .filter((message) => message.topic !== topic)
      .map(({ key, value }) => ({ key: String(key), value: String(value) }));
    const ids = this.changes().map(({ meta_id }) => Number(String(meta_id).slice(1)));
    return {
      ids: ids.sort((a, b) => a - b),
      position: PositionLog.read(records).standing?.position ?? null,
    };
  }
}

let cluster = new Cluster();
let instances = 0;

function sinkOf(access: KafkaAccess, making: SinkMaking = {}) {
  const notices: SinkNotice[] = [];
  const letters: string[] = [];
  instances += 1;
  const sink = new KafkaSink({
    access,
    topic,
    kind: making.kind ?? 'live',
    label: '',
    instance: `instance ${instances}`,
    clock: virtualClock(),
    random: () => 0.5,
    signal: new AbortController().signal,
    onNotice: (notice) => notices.push(notice),
    onDeadLetter: (reason, change) => letters.push(`${change.meta_id}: ${reason}`),
    openMs: 1_000_000,
  });
  return { sink, notices, letters };
}

sinkSuite('Kafka', {
  clear: async () => {
    cluster = new Cluster();
  },
  make: (making = {}) =>
    sinkOf(
      cluster.access(async () => making.fault?.() ?? null),
      making,
    ),
  stored: async () => cluster.stored(),
  forgetLast: async () => {
    cluster.transactions.pop();
  },
});

test('of two processes on one topic the newer one wins, and every change counts once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      cluster = new Cluster();
      const own = cluster;
      const step = async (): Promise<Fault> => {
        await scheduler.schedule(Promise.resolve());
        return null;
      };
      const feed = async (onOpen: () => void) => {
        const { sink } = sinkOf(own.access(step));
        const { position } = await sink.open();
        onOpen();
        const from = position === null ? 0 : Number(position.slice(1)) + 1;
        for (let n = from; n < 6; n += 1) await sink.write([item(n)]);
      };
      let older: Promise<void> = Promise.resolve();
      let newer: Promise<void> = Promise.resolve();
      older = feed(() => {
        newer = feed(() => {});
      });
      await scheduler.waitFor(Promise.allSettled([older]).then(() => Promise.allSettled([newer])));
      await newer;
      const ended = await older.then(
        () => null,
        (error: unknown) => error,
      );
      if (ended !== null) expect(String(ended)).toContain('another stream-ingest has taken over');
      expect(own.stored()).toEqual({ ids: upTo(6), position: 'p5' });
    }),
    { numRuns: 60 },
  );
});

test('what does not fit the schema never gets out: it is a dead letter with its reason', async () => {
  cluster = new Cluster();
  const narrow = parseSchema(
    schemas.value.json.replace(
      '"name":"bot","type":["null","boolean"]',
      '"name":"bot","type":["null","string"]',
    ),
  );
  const { sink, notices, letters } = sinkOf(cluster.access(async () => null, narrow));
  await sink.open();
  await sink.write([item(0), item(1, { bot: true }), item(2)]);
  const reason = '"bot": expected null or string, got true (boolean)';
  expect(letters).toEqual([`e1: ${reason}`]);
  expect(notices).toEqual([{ kind: 'rejected', metaId: 'e1', reason }]);
  expect(cluster.stored()).toEqual({ ids: [0, 2], position: 'p2' });
  // Known all the same: it is not looked at again after a rewind.
  expect((await sinkOf(cluster.access(async () => null, narrow)).sink.open()).newestIds).toEqual([
    'e0',
    'e1',
    'e2',
  ]);
});

test('messages carry the page as their key, and all that the event says', async () => {
  cluster = new Cluster();
  const { sink } = sinkOf(cluster.access(async () => null));
  await sink.open();
  const one = item(7, {
    wiki: 'enwiki',
    title: 'A & B',
    meta: { id: 'e7', dt: '2021-08-27T13:20:17Z' },
  });
  await sink.write([one]);
  const message = cluster.transactions.flat().find((each) => each.topic === topic);
  expect(schemas.key.decode(message?.key.subarray(5) ?? Buffer.of())).toEqual({
    wiki: 'enwiki',
    title: 'A & B',
  });
  expect(cluster.changes()).toEqual([one.change]);
});

test('an absence is waited out; what waiting cannot cure ends with a sentence', async () => {
  cluster = new Cluster();
  let away = 0;
  const flaky = cluster.access(async () => (away-- > 0 ? 'before' : null));
  const { sink, notices } = sinkOf(flaky);
  await sink.open();
  away = 40;
  await sink.write([item(0)]);
  expect(notices.map(({ kind }) => kind)).toEqual(['away', 'back']);
  expect(cluster.stored().ids).toEqual([0]);
  const refusing = (error: Error): KafkaAccess => ({
    ...flaky,
    prepare: () => Promise.reject(error),
  });
  const incompatible = new RegistryError('incompatible', 'the schema cannot follow');
  await expect(sinkOf(refusing(incompatible)).sink.open()).rejects.toThrow(
    'cannot use the topic recentchange: the schema cannot follow',
  );
  const gone = new RegistryError('away', 'the registry does not answer');
  await expect(sinkOf(refusing(gone)).sink.open()).rejects.toThrow(
    'do Kafka and the registry run?',
  );
  const login = Object.assign(new Error('Authentication failed'), {
    name: 'KafkaJSSASLAuthenticationError',
  });
  const wrapped = new Error('Closed connection', { cause: login });
  await expect(sinkOf(refusing(wrapped)).sink.open()).rejects.toThrow(StoreError);
  const denied = Object.assign(new Error('not authorized'), { type: 'TOPIC_AUTHORIZATION_FAILED' });
  await expect(sinkOf(refusing(denied)).sink.open()).rejects.toThrow(StoreError);
});
