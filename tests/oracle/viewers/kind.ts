import type { Holding } from '../holding.ts';
import type { Random } from '../random.ts';

/** What a client kind is given to make one connection. */
export interface Opening {
  /** Where the server is, maybe behind a proxy that harms. */
  readonly host: string;
  readonly port: number;
  /** One for each question, in their order; they keep what was held before. */
  readonly holdings: readonly Holding[];
  readonly random: Random;
  /** What the kind wants to know at the client's next connection. */
  readonly memory: Map<string, string>;
  /** The connection is over; called once, and nothing of it is told afterwards. */
  readonly closed: (why: string) => void;
  /** Something came that no server of ours may say. */
  readonly failed: (error: Error) => void;
}

/** One connection of a client. */
export interface Link {
  /** Stops reading: what arrives waits in the kernel. */
  pause(): void;
  resume(): void;
  /** Ends it; `closed` is not called. */
  close(): void;
  /** Cuts the connection of a kind that comes back by itself. */
  drop?(): void;
}

/** A kind of client: what it can watch, and how it does it. */
export interface Kind {
  readonly name: string;
  /** Whether a connection goes on from what the one before brought. */
  readonly isResuming: boolean;
  /** Whether one client may follow several questions as one. */
  readonly isGrouped: boolean;
  /** Whether it may ask for some of a view's rows only. */
  readonly isFiltered: boolean;
  open(opening: Opening): Link;
}

/** The one holding of a kind that is not grouped. */
export function onlyHolding({ holdings }: Opening): Holding {
  const [holding, ...others] = holdings;
  if (holding === undefined || others.length > 0) {
    throw new Error(`expected one question, got ${holdings.length}`);
  }
  return holding;
}
