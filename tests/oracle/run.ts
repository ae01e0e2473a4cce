import { setTimeout as sleep } from 'node:timers/promises';
import { audience } from './audience.ts';
import { Client } from './client.ts';
import { deal, type Fault, NETWORK_FAULTS, PROCESS_FAULTS } from './faults.ts';
import type { Sighting } from './holding.ts';
import { judge, type Verdict } from './judge.ts';
import { Oracle } from './oracle.ts';
import { Random } from './random.ts';
import type { Kind } from './viewers/kind.ts';
import { lastWord } from './workload.ts';
import { World } from './world.ts';

/** How a run is made. */
export interface RunOptions {
  readonly seed: number;
  /** How long things go wrong, in ms; start, end and judgement come on top. */
  readonly faultsMs: number;
  /** A slow machine goes on, for three times as long at most, until so much was claimed. */
  readonly leastClaims: number;
  readonly kinds: readonly Kind[];
  /** Told now and then what happens. */
  readonly say: (line: string) => void;
}

/** What a run was like. */
export interface Outcome extends Verdict {
  readonly transactions: number;
  readonly stores: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly losses: number;
}

const MOST_TIMES = 3;
/** How long the end may take: everything is whole, and all clients are to get there. */
const END_MS = 90_000;
/** The last transaction changes every view but this one, and each as a whole. */
const NEVER_CHANGES = 'nobody';

/**
 * One run: the world with its faults, random clients, and then the judgement.
 *
 * @throws when anything is wrong; the message says what a client held and what SQL answers.
 */
export async function run(options: RunOptions): Promise<Outcome> {
  const { seed, faultsMs, leastClaims, kinds, say } = options;
  const random = new Random(seed);
  const trouble = new Trouble();
  const sightings: Sighting[] = [];
  const world = await startWorld(random, trouble);
  const clients = makeClients(kinds, random, {
    port: world.door.port,
    see: (sighting) => sightings.push(sighting),
    failed: (error) => trouble.met(error),
  });
  const faults = new Map<string, number>();
  let isEnded = false;
  try {
    for (const client of clients) client.connect();
    const start = Date.now();
    const isOver = () => {
      if (isEnded) return true;
      const elapsedMs = Date.now() - start;
      const isEnough = sightings.length >= leastClaims;
      return elapsedMs >= faultsMs && (isEnough || elapsedMs >= MOST_TIMES * faultsMs);
    };
    world.writer.run().catch((error: Error) => trouble.met(error));
    await trouble.or(
      Promise.all([
        ...[NETWORK_FAULTS, PROCESS_FAULTS].map((deck, number) =>
          disturb(world, deal(deck, random.fork(`deck ${number}`)), isOver, (fault) => {
            say(fault.name);
            faults.set(fault.name, (faults.get(fault.name) ?? 0) + 1);
            return random.fork(`fault ${fault.name} ${faults.get(fault.name)}`);
          }),
        ),
        distract(clients, random.fork('clients'), isOver),
      ]),
    );
    say('everything is whole again');
    await trouble.or(settle(world, clients));
    for (const client of clients) client.stop();
    await trouble.or(reach(world, sightings));
  } catch (error) {
    say(world.logs());
    throw error;
  } finally {
    isEnded = true;
    for (const client of clients) client.stop();
    await world.stop();
  }
  say(`judging ${sightings.length} claims`);
  const verdict = await decide(sightings, world);
  return {
    ...verdict,
    transactions: world.timelines.reduce((sum, { transactions }) => sum + transactions.length, 0),
    stores: world.timelines.length,
    faults,
    losses: clients.reduce((sum, { losses }) => sum + losses, 0),
  };
}

async function startWorld(random: Random, trouble: Trouble): Promise<World> {
  const starting = World.start(random, (error) => trouble.met(error));
  try {
    return await trouble.or(starting);
  } catch (error) {
    await starting.then(
      (late) => late.stop(),
      () => {},
    );
    throw error;
  }
}

/** The first thing that went wrong outside of what is awaited. */
class Trouble {
  #met: (error: Error) => void = () => {};
  readonly #first: Promise<never>;

  constructor() {
    this.#first = new Promise((_resolve, reject) => {
      this.#met = reject;
    });
    this.#first.catch(() => {});
  }

  met(error: Error): void {
    this.#met(error);
  }

  /** The work's result, unless something goes wrong meanwhile. */
  or<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#first]);
  }
}

interface ClientHooks {
  readonly port: number;
  readonly see: (sighting: Sighting) => void;
  readonly failed: (error: Error) => void;
}

function makeClients(
  kinds: readonly Kind[],
  random: Random,
  hooks: ClientHooks,
): readonly Client[] {
  return audience(kinds, random.fork('choice')).map(
    ([kind, questions], number) =>
      new Client(number, kind, questions, {
        host: '127.0.0.1',
        random: random.fork(`client ${number}`),
        ...hooks,
      }),
  );
}
/** One fault after the other; `note` hears of each and gives it its chance. */
async function disturb(
  world: World,
  faults: Iterable<Fault>,
  isOver: () => boolean,
  note: (fault: Fault) => Random,
): Promise<void> {
  for (const fault of faults) {
    if (isOver()) return;
    const random = note(fault);
    await fault.run(world, random);
    await sleep(random.integer(100, 1_000));
  }
}

/** Clients pause, go away and come back. */
async function distract(
  clients: readonly Client[],
  random: Random,
  isOver: () => boolean,
): Promise<void> {
  const timers: NodeJS.Timeout[] = [];
  while (!isOver()) {
    const client = random.pick(clients);
    const forMs = random.integer(50, 3_000);
    if (random.chance(0.6)) {
      client.pause();
      timers.push(setTimeout(() => client.resume(), forMs));
    } else {
      client.leave(forMs);
    }
    await sleep(random.integer(20, 300));
  }
  for (const timer of timers) clearTimeout(timer);
}

/** Everything is whole: every client gets to the last transaction. */
async function settle(world: World, clients: readonly Client[]): Promise<void> {
  await world.writer.finish({ url: world.engineUrl, timeline: world.timeline }, lastWord);
  for (const client of clients) client.resume();
  const last = () => world.timeline.transactions.at(-1)?.most ?? Infinity;
  const isThere = (client: Client) =>
    client.holdings.every(({ question, frontier }) => {
      const isQuiet = question.view === NEVER_CHANGES || question.where !== undefined;
      return isQuiet || (frontier ?? 0) > last();
    });
  await until(
    () => clients.every(isThere),
    () => {
      const late = clients.filter((client) => !isThere(client)).map(describe);
      return `every client reaches transaction ${last()}, but\n${late.join('\n')}`;
    },
  );
}

const describe = ({ name, holdings, losses, lastLoss }: Client): string =>
  `${name} stands at ${holdings.map(({ frontier }) => frontier)} (lost ${losses} times: ${lastLoss})`;

/** The cursor on `txn` tells of all that the clients claimed. */
async function reach(world: World, sightings: readonly Sighting[]): Promise<void> {
  const highest = sightings.reduce((most, { frontier }) => Math.max(most, frontier), 0);
  await until(
    () => world.timeline.frontier >= highest,
    () => `the cursor on txn reaches ${highest}, it stands at ${world.timeline.frontier}`,
  );
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  const end = Date.now() + END_MS;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited ${END_MS} ms in vain: ${what()}`);
    await sleep(20);
  }
}

async function decide(sightings: readonly Sighting[], world: World): Promise<Verdict> {
  const oracle = await Oracle.open();
  try {
    return await judge(sightings, world.timelines, oracle);
  } finally {
    await oracle.close();
  }
}
