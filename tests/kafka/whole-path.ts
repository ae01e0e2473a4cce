import { type KafkaLocal, startKafkaLocal } from '../../scripts/kafka-local/kafka-local.ts';
import { type Parts, temporaryFolder, until, Viewcast } from '../viewcast.ts';
import { type StandIn, type StandInEvent, startStandIn } from '../wikimedia-stand-in.ts';
import { PathJudge } from './path-judge.ts';
import { describeStations } from './stations.ts';

/**
 * The path of production on this machine, all of it real but Wikimedia: events → stream-ingest →
 * broker and registry → the engine's source → views → a viewer who judges all it is shown.
 */
export class WholePath {
  readonly kafka: KafkaLocal;
  readonly viewcast: Viewcast;
  readonly judge: PathJudge;
  readonly #standIn: StandIn;
  readonly #gate: Gate;
  readonly #remove: () => void;

  private constructor(
    parts: Pick<WholePath, 'kafka' | 'viewcast' | 'judge'>,
    standIn: StandIn,
    gate: Gate,
    remove: () => void,
  ) {
    this.kafka = parts.kafka;
    this.viewcast = parts.viewcast;
    this.judge = parts.judge;
    this.#standIn = standIn;
    this.#gate = gate;
    this.#remove = remove;
  }

  /** Starts everything; no event comes before it is let through, and then `paceMs` apart. */
  static async start(events: readonly StandInEvent[], paceMs = 0): Promise<WholePath> {
    const folder = temporaryFolder();
    const kafka = await startKafkaLocal();
    const gate = new Gate();
    const standIn = await startStandIn({
      events,
      ...(paceMs > 0 ? { paceMs } : {}),
      due: (index) => gate.pass(index),
    });
    const viewcast = new Viewcast(
      [
        ...['--port', '0', '--sql-port', '0', '--data', folder.path],
        ...['--kafka', kafka.broker.address, '--registry', kafka.registry.url],
      ],
      { VIEWCAST_STREAM_URL: standIn.url },
    );
    await viewcast.ready();
    const judge = new PathJudge(viewcast.page, events);
    return new WholePath({ kafka, viewcast, judge }, standIn, gate, folder.remove);
  }

  /** Lets the first `count` events through, in all. */
  release(count: number): void {
    this.#gate.open(count);
  }

  /** Kills a part outright and waits until it is another process. */
  async kill(part: keyof Parts): Promise<void> {
    const pid = await until(`the ${part} runs`, () => this.viewcast.parts()[part] ?? null);
    process.kill(pid, 'SIGKILL');
    await until(`the ${part} runs again`, () => {
      const now = this.viewcast.parts()[part];
      return now !== undefined && now !== pid;
    });
  }

  /** Resolves when the viewer has seen so many events. @throws with where they stopped. */
  async seen(count: number, limitMs?: number): Promise<void> {
    try {
      await until(`${count} events are seen`, () => this.judge.seen >= count, limitMs);
    } catch (error) {
      const { kafka, viewcast, judge } = this;
      const way = { standIn: this.#standIn, broker: kafka.broker.address, viewcast };
      const told = await describeStations({ ...way, seen: `${judge.seen}, ${judge.status}` });
      throw new Error(`${error instanceof Error ? error.message : error}\n${told}`);
    }
  }

  async stop(): Promise<void> {
    this.#gate.open(Number.POSITIVE_INFINITY);
    this.judge.close();
    await this.viewcast.stop();
    await this.#standIn.close();
    await this.kafka.stop();
    this.#remove();
  }
}

/** Holds events back until they are let through. */
class Gate {
  #open = 0;
  readonly #waiting = new Set<() => void>();

  open(count: number): void {
    this.#open = Math.max(this.#open, count);
    for (const wake of this.#waiting) wake();
  }

  async pass(index: number): Promise<void> {
    while (index >= this.#open) {
      await new Promise<void>((wake) => {
        this.#waiting.add(wake);
      });
    }
  }
}
