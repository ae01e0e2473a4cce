import type { LoadProcess, ServerProcess } from './processes.ts';

/** Viewers of one candidate, and how to load them. */
export interface Load {
  readonly server: ServerProcess;
  readonly load: LoadProcess;
  readonly candidate: number;
  readonly group: string;
  readonly viewers: number;
}

/** Deliveries so far of a group, by which the next burst is awaited. */
export class Deliveries {
  total = 0;
}

/**
 * Deliveries that may be under way at once: small enough that no kernel buffer fills up, so that
 * a server is measured and not its backpressure.
 */
const UNDER_WAY = 50_000;
const MAX_TICKS = 50;

/** How many ticks one burst takes. */
export function ticksOfBurst(viewers: number): number {
  return Math.min(MAX_TICKS, Math.max(2, Math.floor(UNDER_WAY / viewers)));
}

/** What a burst cost the server, from before its first tick until every viewer had all of it. */
export interface Cost {
  readonly cpuUs: number;
  readonly deliveries: number;
}

/** Publishes one burst and waits until every viewer has it. */
export async function runBurst(to: Load, sent: Deliveries, batches: number): Promise<Cost> {
  const { server, load, candidate, group, viewers } = to;
  const ticks = ticksOfBurst(viewers);
  const deliveries = ticks * batches * viewers;
  sent.total += deliveries;
  const [before] = await Promise.all([
    server.ask({ do: 'burst', candidate, ticks, batches }),
    load.ask({ do: 'await', group, deliveries: sent.total }),
  ]);
  const after = await server.ask({ do: 'usage', collect: false });
  return { cpuUs: after.cpuUs - before.cpuUs, deliveries };
}

/** Bursts until they cost `cpuMs` of the server, or `deadlineMs` passed. */
export async function runRound(
  to: Load,
  sent: Deliveries,
  batches: number,
  limits: { readonly cpuMs: number; readonly deadlineMs: number },
): Promise<Cost> {
  const endMs = performance.now() + limits.deadlineMs;
  let cpuUs = 0;
  let deliveries = 0;
  do {
    const cost = await runBurst(to, sent, batches);
    cpuUs += cost.cpuUs;
    deliveries += cost.deliveries;
  } while (cpuUs < limits.cpuMs * 1_000 && performance.now() < endMs);
  return { cpuUs, deliveries };
}

/** CPU seconds of the server per million deliveries: µs per delivery. */
export function secondsPerMillion({ cpuUs, deliveries }: Cost): number {
  return cpuUs / deliveries;
}

/** How new viewers connect: one in fifty is parsed and checked whole. */
export const FRESH = { resume: [], checkEvery: 50, gaps: false } as const;
