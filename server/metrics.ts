import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Frontier } from '../protocol/update.ts';

/** What is read at the moment of a scrape. */
export interface ViewGauges {
  readonly view: string;
  readonly viewers: number;
  readonly laggards: number;
  readonly frontier: Frontier | null;
}

const LAG_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * The server's numbers in Prometheus' text format. Lags compare the wall clock with the upstream's
 * timestamps, which are wall-clock milliseconds of the machine that the upstream runs on.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #nowMs: () => number;
  readonly #servingLag: Histogram<'view'>;
  readonly #batches = new SumsByView();
  readonly #liveBytes = new SumsByView();
  readonly #deliveries = new SumsByView();
  readonly #sentBytes: Counter<'view' | 'kind'>;
  readonly #connections: Gauge<'kind'>;
  readonly #closes: Counter<'code'>;
  readonly #refusals: Counter<'reason'>;
  readonly #dropped: Counter;
  readonly #gateRefusals: Counter<'gate'>;
  readonly #tokens: Counter<'verdict'>;
  readonly #messages: Counter<'topic' | 'outcome'>;
  readonly #memoryLevel: Gauge;

  /**
   * `views` is called at each scrape. The numbers of the process are left to the main thread where
   * this is the registry of one worker of several.
   */
  constructor(nowMs: () => number, views: () => readonly ViewGauges[], isWorker = false) {
    const registers = [this.#registry];
    this.#nowMs = nowMs;
    if (!isWorker) collectDefaultMetrics({ register: this.#registry });
    this.#servingLag = new Histogram({
      name: 'viewcast_serving_lag_seconds',
      help: "From a batch's upper timestamp to its bytes being handed to the sockets.",
      labelNames: ['view'],
      buckets: LAG_BUCKETS,
      registers,
    });
    const counter = <Label extends string>(
      name: string,
      help: string,
      labelNames: Label[],
      collect?: (counter: Counter<Label>) => void,
    ) =>
      new Counter({
        name: `viewcast_${name}`,
        help,
        labelNames,
        registers,
        ...(collect && {
          collect() {
            collect(this);
          },
        }),
      });
    counter('batches_total', 'Batches published.', ['view'], (batches) =>
      this.#batches.take((view, sum) => batches.inc({ view }, sum)),
    );
    counter('deliveries_total', 'Batches times their viewers.', ['view'], (deliveries) =>
      this.#deliveries.take((view, sum) => deliveries.inc({ view }, sum)),
    );
    this.#sentBytes = counter(
      'sent_bytes_total',
      'Encoded bytes: of published batches once each (live), of what single viewers were sent.',
      ['view', 'kind'],
      (bytes) => this.#liveBytes.take((view, sum) => bytes.inc({ view, kind: 'live' }, sum)),
    );
    this.#closes = counter('closes_total', 'Stream connections that ended, by close code.', [
      'code',
    ]);
    this.#refusals = counter('refusals_total', 'Requests that became no stream.', ['reason']);
    this.#dropped = counter(
      'dropped_total',
      'Messages dropped at the fuse; each ends its socket.',
      [],
    );
    this.#gateRefusals = counter(
      'gate_refusals_total',
      'Handshakes, snapshots and resumes that waited in vain or found too many waiting.',
      ['gate'],
    );
    this.#tokens = counter('tokens_total', 'Tokens by what became of them.', ['verdict']);
    this.#messages = counter('messages_total', 'Submitted messages by what became of them.', [
      'topic',
      'outcome',
    ]);
    this.#memoryLevel = new Gauge({
      name: 'viewcast_memory_pressure_level',
      help: '0 none, 1 no new snapshots, 2 short histories too, 3 largest laggards closed too.',
      aggregator: 'max',
      registers,
    });
    this.#connections = new Gauge({
      name: 'viewcast_connections',
      help: 'Open stream connections.',
      labelNames: ['kind'],
      registers,
    });
    this.#addViewGauges(views);
  }

  readonly contentType = this.#registry.contentType;

  /** The whole text of a scrape. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** The same for another thread to add up. */
  content(): Promise<readonly object[]> {
    return this.#registry.getMetricsAsJSON();
  }

  published(view: string, bytes: number, viewers: number, upper: Frontier): void {
    this.#batches.add(view, 1);
    this.#deliveries.add(view, viewers);
    this.#liveBytes.add(view, bytes);
    if (upper !== 'end') {
      this.#servingLag.observe({ view }, Math.max(0, this.#nowMs() - upper) / 1_000);
    }
  }

  caughtUp(view: string, kind: 'batch' | 'snapshot', bytes: number): void {
    this.#sentBytes.inc({ view, kind }, bytes);
  }

  connections(kind: 'session' | 'websocket' | 'sse' | 'http', change: 1 | -1): void {
    this.#connections.inc({ kind }, change);
  }

  closed(code: number): void {
    this.#closes.inc({ code: String(code) });
  }

  refused(reason: string): void {
    this.#refusals.inc({ reason });
  }

  gateRefused(gate: string): void {
    this.#gateRefusals.inc({ gate });
  }

  judged(verdict: { readonly kind: string; readonly reason?: string }): void {
    this.#tokens.inc({ verdict: verdict.reason ?? verdict.kind });
  }

  submitted(topic: string, outcome: string): void {
    this.#messages.inc({ topic, outcome });
  }

  memoryLevel(level: number): void {
    this.#memoryLevel.set(level);
  }

  dropped(): void {
    this.#dropped.inc();
  }

  #addViewGauges(views: () => readonly ViewGauges[]): void {
    const nowMs = this.#nowMs;
    const gauge = (
      name: string,
      help: string,
      value: (view: ViewGauges) => number | null,
      aggregator: 'sum' | 'max' = 'sum',
    ) =>
      new Gauge({
        aggregator,
        name: `viewcast_${name}`,
        help,
        labelNames: ['view'],
        registers: [this.#registry],
        collect() {
          this.reset();
          for (const one of views()) {
            const now = value(one);
            if (now !== null) this.set({ view: one.view }, now);
          }
        },
      });
    gauge('viewers', 'Viewers of the view.', ({ viewers }) => viewers);
    gauge('lagging_viewers', 'Viewers that fell behind.', ({ laggards }) => laggards);
    gauge(
      'upstream_frontier_lag_seconds',
      'The age of the frontier that the view stands at.',
      ({ frontier }) =>
        typeof frontier === 'number' ? Math.max(0, nowMs() - frontier) / 1_000 : null,
      'max',
    );
  }
}

/** What is counted with every batch, told to a counter when it is read: its labels take longer. */
class SumsByView {
  readonly #sums = new Map<string, number>();

  add(view: string, amount: number): void {
    this.#sums.set(view, (this.#sums.get(view) ?? 0) + amount);
  }

  /** Tells what was added since the last time. */
  take(tell: (view: string, sum: number) => void): void {
    for (const [view, sum] of this.#sums) tell(view, sum);
    this.#sums.clear();
  }
}
