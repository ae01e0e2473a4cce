import { Kafka, logLevel, Partitioners, type SASLOptions } from 'kafkajs';
import type { Logger } from 'pino';
import { logInto } from './log.ts';

export type { Kafka } from 'kafkajs';

export interface KafkaOptions {
  /** host:port, by commas. */
  readonly brokers: string;
  /** Shown in the broker's own logs. */
  readonly clientId: string;
  readonly log: Logger;
  /** Default: none. */
  readonly ssl?: boolean;
  readonly sasl?: Login | null;
}

/** How the client shows who it is. */
export interface Login {
  /** PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. */
  readonly mechanism: string;
  readonly username: string;
  readonly password: string;
}

const address = /^(\[[0-9a-fA-F:.]+\]|[^\s:,[\]]+):(\d{1,5})$/;

/** The addresses of a list by commas, or what is wrong with it. */
export function parseBrokers(list: string): readonly string[] | string {
  const brokers = list.split(',').map((part) => part.trim());
  const wrong = brokers.find((broker) => !address.test(broker));
  return wrong === undefined ? brokers : `expected host:port, got "${wrong}"`;
}

/** A client of a Kafka cluster; connects to nothing yet. @throws for addresses that are none. */
export function kafkaClient({ brokers, clientId, log, ssl, sasl }: KafkaOptions): Kafka {
  const addresses = parseBrokers(brokers);
  if (typeof addresses === 'string') throw new TypeError(addresses);
  return new Kafka({
    clientId,
    brokers: [...addresses],
    ssl: ssl ?? false,
    ...(sasl ? { sasl: saslOptions(sasl) } : {}),
    logLevel: logLevel.INFO,
    logCreator: logInto(log),
    connectionTimeout: 3_000,
    requestTimeout: 20_000,
    // About three seconds: longer absences are waited out by those who know what waits.
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5 },
  });
}

function saslOptions({ mechanism, username, password }: Login): SASLOptions {
  switch (mechanism.toUpperCase()) {
    case 'PLAIN':
      return { mechanism: 'plain', username, password };
    case 'SCRAM-SHA-256':
      return { mechanism: 'scram-sha-256', username, password };
    case 'SCRAM-SHA-512':
      return { mechanism: 'scram-sha-512', username, password };
    default:
      throw new TypeError(`expected PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, got "${mechanism}"`);
  }
}

/** By the hash of the key as Java's clients do it, so that all writers agree on a key's partition. */
export const partitioner = Partitioners.DefaultPartitioner;
