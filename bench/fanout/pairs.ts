import type { CandidateName } from './candidates/names.ts';
import { LoadProcess, ServerProcess } from './processes.ts';
import {
  connectViewers,
  type Load,
  Published,
  runBurst,
  secondsPerMillion,
  warmUp,
} from './round.ts';
import { type Interval, median, medianInterval } from './statistics.ts';

/** Ratios to two equal bare servers, pair by pair. */
export interface Pairs {
  readonly viewers: number;
  readonly batches: number;
  readonly pairs: number;
  /** CPU seconds of the bare server per million deliveries. */
  readonly bare: number;
  /** Viewcast to the mean of the bare burst before it and the one after: what drifts cancels. */
  readonly ratio: number;
  readonly interval: Interval;
  /** The bare burst after to the one before: what the same costs when nothing differs. */
  readonly control: number;
  readonly controlInterval: Interval;
  /** Messages that were parsed and compared. */
  readonly checked: number;
}

const WARM_UP = 4;
/** Messages of one burst: so few that no viewer is idle for 200 ms, see {@link settleTcp}. */
const UNDER_WAY = 8_000;

/**
 * Runs bursts of three servers in one process, always bare, viewcast, bare. An order that turns
 * would leave each of them idle for longer in every third pair, which costs more than any server.
 */
export async function comparePairs(
  bare: CandidateName,
  candidate: CandidateName,
  viewers: number,
  batchCounts: readonly number[],
  pairs: number,
): Promise<readonly Pairs[]> {
  const server = await ServerProcess.start([bare, candidate, bare]);
  const load = await LoadProcess.start();
  try {
    const arms = [0, 1, 2].map((index) => new Arm({ server, load, candidate: index, viewers }));
    for (const arm of arms) await arm.connect();
    const results: Pairs[] = [];
    for (const batches of batchCounts) results.push(await compare(arms, batches, pairs));
    return results;
  } finally {
    await Promise.all([load.stop(), server.stop()]);
  }
}

/** One of the servers in the process, with its viewers. */
class Arm {
  readonly #to: Load;
  readonly #published = new Published();
  checked = 0;

  constructor(to: Omit<Load, 'group'>) {
    this.#to = { ...to, group: String(to.candidate) };
  }

  get viewers(): number {
    return this.#to.viewers;
  }

  async connect(): Promise<void> {
    await warmUp(this.#to);
    await connectViewers(this.#to);
  }

  /** CPU seconds per million deliveries of one burst. */
  async burst(batches: number): Promise<number> {
    const ticks = Math.max(2, Math.floor(UNDER_WAY / this.viewers));
    return secondsPerMillion(await runBurst(this.#to, this.#published, batches, ticks));
  }

  async countChecked(): Promise<number> {
    return (await this.#to.load.ask({ do: 'counts', group: this.#to.group })).checked;
  }
}

async function compare(arms: readonly Arm[], batches: number, pairs: number): Promise<Pairs> {
  const costs: number[][] = arms.map(() => []);
  for (let pair = -WARM_UP; pair < pairs; pair++) {
    for (let turn = 0; turn < arms.length; turn++) {
      const cost = await arms[turn]?.burst(batches);
      if (pair >= 0 && cost !== undefined) costs[turn]?.push(cost);
    }
  }
  const [bare = [], viewcast = [], control = []] = costs;
  const beside = bare.map((before, at) => (before + (control[at] ?? Number.NaN)) / 2);
  const ratios = viewcast.map((cost, at) => cost / (beside[at] ?? Number.NaN));
  const controls = control.map((cost, at) => cost / (bare[at] ?? Number.NaN));
  let checked = 0;
  for (const arm of arms) checked += await arm.countChecked();
  return {
    viewers: arms[0]?.viewers ?? 0,
    batches,
    pairs,
    bare: median(beside),
    ratio: median(ratios),
    interval: medianInterval(ratios),
    control: median(controls),
    controlInterval: medianInterval(controls),
    checked,
  };
}
