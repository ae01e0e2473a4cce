import { Kafka, logLevel, Partitioners } from 'kafkajs';
import type { Logger } from 'pino';
import { logInto } from './log.ts';

export type { Kafka } from 'kafkajs';

export interface KafkaOptions {
  /** host:port, by commas. */
  readonly brokers: string;
  /** Shown in the broker's own logs. */
  readonly clientId: string;
  readonly log: Logger;
}

const address = /^(\[[0-9a-fA-F:.]+\]|[^\s:,[\]]+):(\d{1,5})$/;

/** The addresses of a list by commas, or what is wrong with it. */
export function parseBrokers(list: string): readonly string[] | string {
  const brokers = list.split(',').map((part) => part.trim());
  const wrong = brokers.find((broker) => !address.test(broker));
  return wrong === undefined ? brokers : `expected host:port, got "${wrong}"`;
}

/** A client of a Kafka cluster; connects to nothing yet. @throws for addresses that are none. */
export function kafkaClient({ brokers, clientId, log }: KafkaOptions): Kafka {
  const addresses = parseBrokers(brokers);
  if (typeof addresses === 'string') throw new TypeError(addresses);
  return new Kafka({
    clientId,
    brokers: [...addresses],
    logLevel: logLevel.INFO,
    logCreator: logInto(log),
    connectionTimeout: 3_000,
    requestTimeout: 20_000,
    // About three seconds: longer absences are waited out by those who know what waits.
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5 },
  });
}

/** By the hash of the key as Java's clients do it, so that all writers agree on a key's partition. */
export const partitioner = Partitioners.DefaultPartitioner;
