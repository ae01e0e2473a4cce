import type { Counts } from './messages.ts';
import {
  connectViewers,
  type Load,
  Published,
  runBurst,
  secondsPerMillion,
  ticksOfBurst,
} from './round.ts';
import { median } from './statistics.ts';

const BATCHES = 16;
const BURSTS = 15;
/** The history of five minutes is full then, and grows no more while memory is measured. */
const FULL_HISTORY = 35_000;
/** The kernel takes some megabytes for each before a stream's server can notice. */
const MAX_FILLING = 80;
const CATCH_UP_MS = 20_000;

/** One server with viewers that read and some that stop: the steps of the run, in their order. */
export class SlowRun {
  readonly #to: Load;
  readonly #stalled: number;
  readonly #published = new Published();

  constructor(to: Load, stalled: number) {
    this.#to = to;
    this.#stalled = stalled;
  }

  /** Batches so far. */
  get batches(): number {
    return this.#published.batches;
  }

  /** Messages so far to each viewer that reads. */
  get messages(): number {
    return this.#published.messages;
  }

  /** CPU seconds per million deliveries to the fast viewers, alone. */
  async begin(): Promise<number> {
    await connectViewers(this.#to);
    while (this.batches < FULL_HISTORY) await this.#burst();
    return await this.#cost();
  }

  /** The same beside viewers that stopped, and the resident bytes that came with those. */
  async stall(): Promise<{ readonly beside: number; readonly bytes: number }> {
    const { server, load } = this.#to;
    const access = server.access(0);
    const before = await server.ask({ do: 'usage', collect: true });
    const how = { viewers: this.#stalled, wanted: [], checkEvery: 1, gaps: true };
    await load.ask({ do: 'connect', group: 'stalled', access, ...how });
    await load.ask({ do: 'pause', group: 'stalled' });
    await this.#fill(access.port);
    const beside = await this.#cost();
    const after = await server.ask({ do: 'usage', collect: true });
    return { beside, bytes: after.rssBytes - before.rssBytes };
  }

  /** What the fast viewers have. */
  fast(): Promise<Counts> {
    return this.#to.load.ask({ do: 'counts', group: this.#to.group });
  }

  /** The stopped viewers read again, until they hold what was published. */
  async catchUp(): Promise<Counts> {
    const { load } = this.#to;
    let counts = await load.ask({ do: 'unpause', group: 'stalled' });
    const endMs = performance.now() + CATCH_UP_MS;
    while (counts.held < this.batches && counts.fault === null && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      counts = await load.ask({ do: 'counts', group: 'stalled' });
    }
    return counts;
  }

  /** The fast viewers alone again. */
  async end(): Promise<number> {
    await this.#to.load.ask({ do: 'cut', group: 'stalled' });
    return await this.#cost();
  }

  /**
   * Publishes until all stopped viewers lag: for streams until the server says so, for sessions
   * far more than may stay unacknowledged.
   */
  async #fill(port: number): Promise<void> {
    const session = this.#to.server.access(0).protocol === 'session';
    const bursts = session ? Math.ceil(1_000 / ticksOfBurst(this.#to.viewers)) : MAX_FILLING;
    for (let at = 0; at < bursts; at++) {
      await this.#burst();
      if (!session && (await laggingViewers(port)) === this.#stalled) return;
    }
    if (!session) throw new Error(`stopped viewers were not found after ${MAX_FILLING} bursts`);
  }

  async #cost(): Promise<number> {
    const costs: number[] = [];
    for (let at = 0; at < BURSTS; at++) costs.push(await this.#burst());
    return median(costs);
  }

  async #burst(): Promise<number> {
    return secondsPerMillion(await runBurst(this.#to, this.#published, BATCHES));
  }
}

async function laggingViewers(port: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  const line = /^viewcast_lagging_viewers\{[^}]*\} (\d+)$/m.exec(await response.text());
  return Number(line?.[1]);
}
