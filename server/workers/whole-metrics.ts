import { AggregatorRegistry, Counter, collectDefaultMetrics, Registry } from 'prom-client';
import type { Parts } from './gathering.ts';

/** A registry's content as it crosses a thread's boundary. */
type Content = readonly object[];

const GROWING = new Set<unknown>(['counter', 'histogram']);

/** The numbers of all workers as one process's. */
export class WholeMetrics {
  readonly #process = new Registry();
  readonly #lost: Counter;
  readonly #last = new Map<number, Content>();
  /** What workers that are no more had counted when they were last asked: totals never fall. */
  #departed: Promise<Content> = Promise.resolve([]);

  constructor() {
    collectDefaultMetrics({ register: this.#process });
    this.#lost = new Counter({
      name: 'viewcast_workers_lost_total',
      help: 'Worker threads that ended by a mistake and were replaced.',
      registers: [this.#process],
    });
  }

  /** The text of a scrape from what each worker says. */
  async text(parts: Parts): Promise<string> {
    for (const [worker, part] of parts) if (Array.isArray(part)) this.#last.set(worker, part);
    const own = await this.#process.getMetricsAsJSON();
    const departed = await this.#departed;
    return AggregatorRegistry.aggregate([own, departed, ...this.#last.values()]).metrics();
  }

  /** A worker is no more, and nobody had told it to end. */
  lost(worker: number): void {
    this.#lost.inc();
    const last = this.#last.get(worker) ?? [];
    this.#last.delete(worker);
    const growing = last.filter((one) => 'type' in one && GROWING.has(one.type));
    this.#departed = this.#departed.then((before) =>
      AggregatorRegistry.aggregate([before, growing]).getMetricsAsJSON(),
    );
  }
}
