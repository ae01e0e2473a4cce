import type { LogEntry, logCreator } from 'kafkajs';
import type { Logger } from 'pino';

type Level = 'error' | 'warn' | 'info' | 'debug';

/** kafkajs's numbers. */
const levels: Readonly<Record<number, Level>> = { 1: 'error', 2: 'warn', 4: 'info', 5: 'debug' };

/**
 * What kafkajs calls an error and repeats by itself: a coordinator that is still loading, a broker
 * that is away. Whoever waits for it says so once, in words for people.
 */
const passing =
  /Connection (error|timeout)|connection|coordinator|ECONNREFUSED|metadata|retrying|not the leader|Failed to send messages|Response (\w+|without match)|Request .* timed out|socket|election|does not host|idempotent producer|partitioner|authentication failed/i;

/** How loud one of kafkajs's lines is here: at most debug for all that it mends itself. */
export function levelOf({ level, log }: Pick<LogEntry, 'level' | 'log'>): Level {
  const own = levels[level] ?? 'debug';
  if (own === 'info') return 'debug';
  const text = `${log.message} ${String(log.error ?? '')}`;
  return own !== 'debug' && passing.test(text) ? 'debug' : own;
}

/** Passes kafkajs's log on to ours. */
export function logInto(log: Logger): logCreator {
  return () => (entry) => {
    const { message, timestamp: _, logger: __, ...rest } = entry.log;
    log[levelOf(entry)]({ kafka: { namespace: entry.namespace, ...rest } }, `Kafka: ${message}`);
  };
}
