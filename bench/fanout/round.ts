import type { LoadProcess, ServerProcess } from './processes.ts';

/** Viewers of one candidate, and how to load them. */
export interface Load {
  readonly server: ServerProcess;
  readonly load: LoadProcess;
  readonly candidate: number;
  readonly group: string;
  readonly viewers: number;
}

/** What was published to a group so far: the next burst is awaited by it. */
export class Published {
  batches = 0;
  /** Messages to each viewer: fewer than batches where a tick's are merged. */
  messages = 0;
}

/**
 * Messages that may be under way at once, a tick's counting as one: few enough that no kernel
 * buffer fills up, so that a server is measured and not its backpressure.
 */
const UNDER_WAY = 20_000;
const MAX_TICKS = 50;

/** How many ticks one burst takes. */
export function ticksOfBurst(viewers: number): number {
  return Math.min(MAX_TICKS, Math.max(2, Math.floor(UNDER_WAY / viewers)));
}

/** What a burst cost the server, from before its first tick until every viewer had all of it. */
export interface Cost {
  readonly cpuUs: number;
  /** Batches times viewers, however they were merged. */
  readonly deliveries: number;
}

/** How new viewers connect: one in fifty is parsed and checked whole. */
export const FRESH = { wanted: [], checkEvery: 50, gaps: false } as const;

/** Bursts before measuring, with a single viewer: V8 has compiled what is hot by then. */
const WARM_UP_BURSTS = 40;

/** Lets a candidate run until it is as fast as it gets; a server has run for minutes, too. */
export async function warmUp(to: Load): Promise<void> {
  const warm = { ...to, group: 'warm-up', viewers: 1 };
  await connectViewers(warm);
  const published = new Published();
  for (let burst = 0; burst < WARM_UP_BURSTS; burst++) {
    await runBurst(warm, published, burst % 2 === 0 ? 16 : 1);
  }
  await to.load.ask({ do: 'cut', group: warm.group });
}

/** Connects the viewers, all of them new. */
export async function connectViewers(to: Load): Promise<void> {
  const { server, load, candidate, group, viewers } = to;
  const access = server.access(candidate);
  await load.ask({ do: 'connect', group, access, viewers, ...FRESH });
}

/** Publishes one burst and waits until every viewer has it. */
export async function runBurst(
  to: Load,
  published: Published,
  batches: number,
  ticks: number = ticksOfBurst(to.viewers),
): Promise<Cost> {
  const { server, load, candidate, group, viewers } = to;
  published.batches += ticks * batches;
  published.messages += server.access(candidate).merges ? ticks : ticks * batches;
  const [before] = await Promise.all([
    server.ask({ do: 'burst', candidate, ticks, batches }),
    load.ask({ do: 'await', group, messages: published.messages * viewers }),
  ]);
  const after = await server.ask({ do: 'usage', collect: false });
  return { cpuUs: after.cpuUs - before.cpuUs, deliveries: ticks * batches * viewers };
}

/**
 * After 200 ms without data Linux acknowledges each of the next 16 segments by itself
 * (TCP_MAX_QUICKACKS), which costs the sender up to half as much again. Viewers that say something
 * now and then are spared it, so that idle gaps would compare states of TCP and not servers.
 */
const QUICK_ACK_SEGMENTS = 16;

/** Publishes, unmeasured, until connections that were idle acknowledge as busy ones do. */
export async function settleTcp(to: Load, published: Published, batches: number): Promise<void> {
  const ticks = ticksOfBurst(to.viewers);
  for (let done = 0; done <= QUICK_ACK_SEGMENTS; done += ticks) {
    await runBurst(to, published, batches);
  }
}

/** Bursts until they cost `cpuMs` of the server, or `deadlineMs` passed. */
export async function runRound(
  to: Load,
  published: Published,
  batches: number,
  limits: { readonly cpuMs: number; readonly deadlineMs: number },
): Promise<Cost> {
  const endMs = performance.now() + limits.deadlineMs;
  let cpuUs = 0;
  let deliveries = 0;
  do {
    const cost = await runBurst(to, published, batches);
    cpuUs += cost.cpuUs;
    deliveries += cost.deliveries;
  } while (cpuUs < limits.cpuMs * 1_000 && performance.now() < endMs);
  return { cpuUs, deliveries };
}

/** CPU seconds of the server per million deliveries: µs per delivery. */
export function secondsPerMillion({ cpuUs, deliveries }: Cost): number {
  return cpuUs / deliveries;
}
