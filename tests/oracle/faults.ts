import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** Something that goes wrong, and is whole again when its promise resolves. */
export interface Fault {
  readonly name: string;
  /** How often it stands in a deck. */
  readonly times: number;
  run(world: World, random: Random): Promise<void>;
}

/** What may go wrong between the processes. */
export const NETWORK_FAULTS: readonly Fault[] = [
  {
    name: 'upstream cut',
    times: 4,
    run: async ({ servers }, random) => {
      random.pick(servers).upstream.cut(0.7, random.pick([50, 5_000, 200_000]));
    },
  },
  {
    name: 'upstream stalled',
    times: 2,
    run: async ({ servers }, random) => {
      const { upstream } = random.pick(servers);
      upstream.stall();
      await sleep(random.integer(300, 4_500));
      upstream.flow();
    },
  },
  {
    name: 'clients cut',
    times: 5,
    run: async ({ door }, random) => door.cut(0.6, random.pick([1, 2_000, 200_000])),
  },
  {
    name: 'clients stalled',
    times: 2,
    run: async ({ door }, random) => {
      door.stall();
      await sleep(random.integer(200, 3_000));
      door.flow();
    },
  },
];

/** What may go wrong in the processes; one of them at a time. */
export const PROCESS_FAULTS: readonly Fault[] = [
  {
    name: 'engine stopped for a while',
    times: 1,
    run: async (world, random) => {
      world.signalEngine('SIGSTOP');
      await sleep(random.integer(500, 4_500));
      world.signalEngine('SIGCONT');
    },
  },
  {
    name: 'server stopped for a while',
    times: 1,
    run: async ({ servers }, random) => {
      const { running } = random.pick(servers);
      running?.process.signal('SIGSTOP');
      await sleep(random.integer(300, 2_000));
      running?.process.signal('SIGCONT');
    },
  },
  {
    name: 'server killed',
    times: 2,
    run: async (world, random) => {
      const server = random.pick(world.servers);
      await world.killServer(server);
      await sleep(random.integer(0, 1_000));
      await world.startServer(server);
    },
  },
  {
    name: 'engine killed',
    times: 2,
    run: async (world, random) => {
      world.writer.hurry();
      await sleep(random.integer(0, 150));
      await world.killEngine();
      await sleep(random.integer(0, 500));
      await world.reopenStore();
    },
  },
  {
    name: 'engine with a new store',
    times: 1,
    run: async (world, random) => {
      world.writer.hurry();
      await sleep(random.integer(0, 150));
      await world.killEngine();
      await world.openStore();
    },
  },
];

/** Faults without end: each one first, in any order, then shuffled decks. */
export function* deal(faults: readonly Fault[], random: Random): Generator<Fault, never> {
  yield* random.shuffle(faults);
  for (;;) {
    yield* random.shuffle(
      faults.flatMap((fault) => Array.from({ length: fault.times }, () => fault)),
    );
  }
}
