import { existsSync } from 'node:fs';
import type { Logger } from 'pino';
import { listTopics, readTopicSchemas, type TopicSchemas } from '../avro/topic-schemas.ts';
import type { Config } from './config.ts';
import { connectEngine } from './engine-connection.ts';
import { openKafkaWriter } from './kafka-writer.ts';
import type { MessageOptions } from './serve-options.ts';
import { EngineSink } from './submit/engine-sink.ts';
import { KafkaSink } from './submit/kafka-sink.ts';
import type { Sink } from './submit/sink.ts';
import { readTopic, type Topics } from './submit/topic.ts';

/**
 * What messages there are by the schemas' folder, and where they go: to Kafka where that is named,
 * else into the engine.
 *
 * @throws {AvroError} for a file that is no schema.
 */
export async function openMessageOptions(config: Config, log: Logger): Promise<MessageOptions> {
  const pairs = await readPairs(config.schemas);
  const known = new Map(pairs.map((pair) => [pair.topic, readTopic(pair)]));
  const taking = pairs.filter(({ topic }) => !isProblem(known.get(topic)));
  const topics: Topics = {
    get: (name) => known.get(name),
    names: () => taking.map(({ topic }) => topic),
  };
  return { topics, sink: openSink(config, taking, log), perSecond: config.messagesPerSecond };
}

async function readPairs(folder: string): Promise<readonly TopicSchemas[]> {
  if (!existsSync(folder)) return [];
  const names = await listTopics(folder);
  return Promise.all(names.map((name) => readTopicSchemas(name, folder)));
}

const isProblem = (topic: object | undefined): boolean => topic === undefined || 'problem' in topic;

const timing = {
  after: (ms: number, run: () => void) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

function openSink(config: Config, topics: readonly TopicSchemas[], log: Logger): Sink {
  const { kafka: brokers, kafkaLogin: login, registry } = config;
  return brokers === null
    ? new EngineSink({ ...timing, connect: () => connectEngine(config.upstream) })
    : new KafkaSink({
        ...timing,
        writer: openKafkaWriter({ brokers, login, registry, topics, log }),
      });
}
