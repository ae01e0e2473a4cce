import { USERS, userName } from './candidates/filters.ts';
import type { CandidateName } from './candidates/names.ts';
import { LoadProcess, ServerProcess } from './processes.ts';
import { figure, type Print, printTable, verdict } from './report.ts';
import { median } from './statistics.ts';

const FEW = 10;
const ROUNDS = 15;
const CHANGES = 1_000;
const TARGET = 2;
/** Each changed channel proves its quiet 1 s later (PROTOCOL.md, `progress`). */
const QUIET_MS = 1_500;

/** What a change to one user costs when few users are watched, and when all are, one viewer each. */
export async function measureFilters(print: Print): Promise<void> {
  print(`\nFilters: a change to one user of ${USERS}, one viewer for each watched user`);
  const seats = [
    await Seat.open('viewcast, 10 filters', FEW),
    await Seat.open('viewcast, 10,000 filters', USERS),
  ];
  try {
    for (let round = -2; round < ROUNDS; round++) {
      for (const seat of seats) await seat.round(round >= 0);
    }
    const few = seats[0]?.cost ?? Number.NaN;
    const rows: string[][] = [];
    for (const seat of seats) {
      const idle = figure(await seat.idle(), 1);
      const { channels, cost, whole } = seat;
      const ratio = cost / few;
      const met = channels === FEW ? '' : verdict(ratio <= TARGET, `ratio at most ${TARGET}`);
      rows.push([
        `${channels} channels`,
        figure(cost, 1),
        figure(ratio),
        figure(whole, 1),
        idle,
        met,
      ]);
    }
    const head = [
      '',
      'CPU µs per change',
      'ratio',
      'with proof of quiet',
      'idle CPU ms/s',
      'target',
    ];
    printTable(print, head, rows);
  } finally {
    await Promise.all(seats.map((seat) => seat.close()));
  }
}

/** A server, and a viewer for each of the users that change. */
class Seat {
  readonly channels: number;
  readonly #server: ServerProcess;
  readonly #load: LoadProcess;
  readonly #costs: number[] = [];
  #messages = 0;

  private constructor(channels: number, server: ServerProcess, load: LoadProcess) {
    this.channels = channels;
    this.#server = server;
    this.#load = load;
  }

  static async open(name: CandidateName, channels: number): Promise<Seat> {
    const server = await ServerProcess.start([name]);
    const load = await LoadProcess.start();
    const wanted = Array.from({ length: channels }, (_, user) => ({
      where: { user: userName(user) },
    }));
    const how = { viewers: channels, wanted, checkEvery: channels > 100 ? 50 : 1, gaps: false };
    await load.ask({ do: 'connect', group: 'users', access: server.access(0), ...how });
    return new Seat(channels, server, load);
  }

  /** CPU µs per change, until its message is there. */
  get cost(): number {
    return median(this.#costs);
  }

  /** The same with all that it entails in the second after it; measured by `idle`. */
  whole = Number.NaN;

  /** One change in each tick. */
  async round(counts: boolean): Promise<void> {
    const beforeUs = await this.#change();
    const { cpuUs } = await this.#server.ask({ do: 'usage', collect: false });
    if (counts) this.#costs.push((cpuUs - beforeUs) / CHANGES);
  }

  /** CPU ms per second when nothing changes; and what a change costs with its proof of quiet. */
  async idle(): Promise<number> {
    await pass();
    const start = await this.#server.ask({ do: 'usage', collect: false });
    await pass();
    const middle = await this.#server.ask({ do: 'usage', collect: false });
    const idleUs = middle.cpuUs - start.cpuUs;
    const beforeUs = await this.#change();
    await pass();
    const end = await this.#server.ask({ do: 'usage', collect: false });
    this.whole = Math.max(0, end.cpuUs - beforeUs - idleUs) / CHANGES;
    return idleUs / QUIET_MS;
  }

  async close(): Promise<void> {
    await Promise.all([this.#load.stop(), this.#server.stop()]);
  }

  /** Makes the changes and waits for their messages; the CPU used before. */
  async #change(): Promise<number> {
    this.#messages += CHANGES;
    const burst = { do: 'burst', candidate: 0, ticks: CHANGES, batches: 1 } as const;
    const [before] = await Promise.all([
      this.#server.ask(burst),
      this.#load.ask({ do: 'await', group: 'users', messages: this.#messages }),
    ]);
    return before.cpuUs;
  }
}

const pass = () => new Promise((resolve) => setTimeout(resolve, QUIET_MS));
