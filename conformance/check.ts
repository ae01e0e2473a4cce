import type { Hello } from '../protocol/message.ts';
import type { Connection } from './connection.ts';

/** Where the checks find the server under test. */
export interface Site {
  /** Views to be read; the first one is the neighbour's. At least one. */
  readonly views: readonly string[];
  readonly hello: Hello;
  /** Whatever is awaited must come within so many milliseconds. */
  readonly patienceMs: number;
  /** How long to wait for a change, which the runner cannot make, in milliseconds. */
  readonly watchMs: number;
  /** Said by checks that take a minute. @throws {NotSeen} unless they are wanted. */
  slowly(): void;
  readonly token: string | undefined;
  /** A topic that takes messages, and one that fits. */
  readonly submit: { readonly topic: string; readonly value: unknown } | undefined;
  /** Whether there is a second server of the same upstream. */
  readonly hasOther: boolean;
  /** A new connection, greeted and with the token presented; closed after the check. */
  open(options?: OpenOptions): Promise<Connection>;
}

/** Which connection is wanted. */
export interface OpenOptions {
  /** To the second server. */
  readonly other?: boolean;
  readonly origin?: string;
  readonly pongs?: boolean;
  /** Without presenting the token. */
  readonly anonymous?: boolean;
}

/**
 * One thing to find out. It throws `Rule` when PROTOCOL.md is broken, `NotSeen` when what it looks
 * for did not come to pass.
 */
export interface Check {
  /** An invariant's number, a message's type or a section of PROTOCOL.md. */
  readonly rule: string;
  /** A sentence about what holds. */
  readonly name: string;
  readonly run: (site: Site) => Promise<void>;
}

/** The view that most checks read. */
export function firstView(site: Site): string {
  const [view] = site.views;
  if (view === undefined) throw new Error('expected a view to read; name one with --view');
  return view;
}
