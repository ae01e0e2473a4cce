import type { Login } from './kafka.ts';

/** How to reach brokers that want to know who comes. */
export interface KafkaLogin {
  readonly ssl: boolean;
  /** Null for brokers that ask nobody. */
  readonly sasl: Login | null;
}

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'];

/**
 * Reads VIEWCAST_KAFKA_TLS (yes or no), VIEWCAST_KAFKA_SASL (the mechanism), VIEWCAST_KAFKA_USER and
 * VIEWCAST_KAFKA_PASSWORD; an empty variable counts as absent. A text says what is wrong. Pure.
 */
export function readKafkaLogin(
  env: Readonly<Record<string, string | undefined>>,
): KafkaLogin | string {
  const tls = env.VIEWCAST_KAFKA_TLS || 'no';
  if (tls !== 'yes' && tls !== 'no') {
    return `VIEWCAST_KAFKA_TLS must be yes or no, and is "${tls}"`;
  }
  const ssl = tls === 'yes';
  const username = env.VIEWCAST_KAFKA_USER || '';
  const password = env.VIEWCAST_KAFKA_PASSWORD || '';
  const mechanism = env.VIEWCAST_KAFKA_SASL || (username === '' ? '' : 'SCRAM-SHA-512');
  if (mechanism === '') return { ssl, sasl: null };
  if (!mechanisms.includes(mechanism)) {
    return `VIEWCAST_KAFKA_SASL must be one of ${mechanisms.join(', ')}, and is "${mechanism}"`;
  }
  if (username === '' || password === '') {
    return `VIEWCAST_KAFKA_SASL is ${mechanism}, so VIEWCAST_KAFKA_USER and VIEWCAST_KAFKA_PASSWORD must be set`;
  }
  return { ssl, sasl: { mechanism, username, password } };
}
