import type { AccessOptions } from './access.ts';
import type { OutboxLimits } from './channel/outbox.ts';
import type { Config } from './config.ts';
import type { MetricsText } from './http/metrics-route.ts';
import type { MemoryOptions } from './memory-shedding.ts';
import type { Sink } from './submit/sink.ts';
import type { Topics } from './submit/topic.ts';

/** What messages there may be, and where they go; closed with the server. */
export interface MessageOptions {
  readonly topics: Topics;
  readonly sink: Sink;
  /** What one address may submit in a second; this machine's own are not limited. */
  readonly perSecond: number;
}

export type ServeOptions = Pick<
  Config,
  'host' | 'port' | 'web' | 'origins' | 'trustedProxies' | 'connectionsPerAddress'
> & {
  readonly outboxLimits?: OutboxLimits | undefined;
  readonly nowMs?: (() => number) | undefined;
  /** Who is let in, and how many at once; everybody by default. */
  readonly access?: AccessOptions | undefined;
  /** How memory is watched; nothing is shed without. */
  readonly memory?: MemoryOptions | null | undefined;
  /** Lets histories have a share of their usual limits, 1 at first. */
  readonly limitHistory?: ((share: number) => void) | undefined;
  /** What is asked of all servers of this process, where it has several on one port. */
  readonly whole?: WholeServer | undefined;
  /** Where messages are taken to; none are taken without. */
  readonly messages?: MessageOptions | undefined;
  /** Told of requests whose handler threw. */
  readonly failed: (path: string, error: unknown) => void;
};

/** All servers of a process that share its port. */
export interface WholeServer {
  /** Takes one of the connections of an address; null when it has as many as it may. */
  enter(address: string): Promise<(() => void) | null>;
  readonly metrics: MetricsText;
  /** Viewers by view. */
  viewers(): Promise<ReadonlyMap<string, number>>;
}

/** A server that listens. */
export interface Serving {
  readonly port: number;
  /**
   * From now on nobody new is let in and `/readyz` says so; viewers are sent away over `drainMs`,
   * and then `done` is called. What is served over HTTP goes on until `close`.
   */
  drain(drainMs: number, done: () => void): void;
  /** Closes every connection at once, each told that the server stops. Idempotent. */
  close(): void;
  /** This server's own numbers, for those of all servers of the process. */
  readonly own: {
    metrics(): Promise<readonly object[]>;
    viewers(): ReadonlyMap<string, number>;
  };
}
