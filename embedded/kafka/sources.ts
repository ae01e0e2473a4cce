import { EngineError } from '../engine.ts';
import type { Relation, Relations } from '../relation.ts';
import type { Store } from '../store.ts';
import type { KafkaAccess, Registry } from './access.ts';
import { Decoder } from './decoder.ts';
import type { Format, Reading } from './definition.ts';
import { describeReading, Ingestion, type ReadingState } from './ingestion.ts';
import { type KeptReading, type Resolved, resolveKept } from './resolve.ts';
import { layOut, type Schemas } from './table-layout.ts';
import { commitRows, readOffsets } from './tables.ts';

/** What the sources need from the engine around them. */
export interface SourcesHost {
  relations(): Relations;
  turn<T>(work: () => Promise<T>): Promise<T>;
  /** Called within the turn, after rows were committed. */
  committed(): void;
}

/** What happens to the tables that are read from Kafka; for the log. */
export type SourceNotice =
  | { readonly kind: 'state'; readonly table: string; readonly state: ReadingState }
  /** Messages that the topic no longer keeps: `from` ≤ offset < `to`. */
  | {
      readonly kind: 'gap';
      readonly table: string;
      readonly partition: number;
      readonly from: bigint;
      readonly to: bigint;
    };

export interface SourcesOptions {
  /** Null where the engine is to reach no Kafka. */
  readonly access: KafkaAccess | null;
  readonly onNotice: (notice: SourceNotice) => void;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
}

/** Reads the topics of all tables that come from Kafka, each on its own. */
export class Sources {
  readonly #store: Store;
  readonly #host: SourcesHost;
  readonly #options: SourcesOptions;
  readonly #ingestions = new Map<string, Ingestion>();

  constructor(store: Store, host: SourcesHost, options: SourcesOptions) {
    this.#store = store;
    this.#host = host;
    this.#options = options;
  }

  /**
   * The schemas that say a table's columns, as they are registered now. No turn of the engine's is
   * taken while a registry is asked.
   *
   * @throws {EngineError} when there is none, or the registry cannot be reached.
   */
  async schemas(resolved: Resolved, reading: Reading): Promise<Schemas> {
    const { topic } = resolved.from;
    const isKeyUsed =
      reading.envelope === 'upsert' || reading.include.some(({ what }) => what === 'key');
    const { key, value } = resolved.registries;
    return {
      key: isKeyUsed ? await this.#schema(reading.key, key, `${topic}-key`) : null,
      value: await this.#schema(reading.value, value, `${topic}-value`),
    };
  }

  async #schema(
    format: Format | null,
    registry: Registry | null,
    subject: string,
  ): Promise<string | null> {
    if (format?.kind !== 'avro' || registry === null) return null;
    const latest = await this.#access()
      .registry(registry)
      .latest(subject)
      .catch((error: unknown) => {
        throw new EngineError('XX000', error instanceof Error ? error.message : String(error));
      });
    if (latest !== null) return latest.schema;
    throw new EngineError('XX000', `no schema is registered as "${subject}"`, {
      hint: 'The columns come from it, so it is registered before CREATE: npm run sql:apply registers those in avro_schemas/.',
    });
  }

  #access(): KafkaAccess {
    if (this.#options.access !== null) return this.#options.access;
    throw new EngineError('0A000', 'this engine was started without access to Kafka');
  }

  /** How the reading of a table goes, or of those made from a source; null where nothing is read. */
  stateOf(relation: Relation): string | null {
    const ingestion = this.#ingestions.get(relation.id);
    if (ingestion !== undefined) return describeReading(ingestion.state);
    if (relation.definition?.kind !== 'source') return null;
    const tables = this.#host.relations().dependents(relation.id);
    const states = tables.flatMap((table) => {
      const state = this.#ingestions.get(table.id)?.state;
      return state === undefined ? [] : [`${table.name}: ${describeReading(state)}`];
    });
    return states.length === 0 ? null : states.join('; ');
  }

  /** Begins to read for all tables that should be and are not yet; stops those that are gone. */
  settle(): void {
    const relations = this.#host.relations();
    for (const relation of relations.all()) {
      const kept = relation.definition;
      if (kept?.kind !== 'reading' || this.#ingestions.has(relation.id)) continue;
      this.#start(relations, relation, kept);
    }
    for (const [id, ingestion] of this.#ingestions) {
      if (relations.get(id) !== undefined) continue;
      this.#ingestions.delete(id);
      void ingestion.stop();
    }
  }

  #start(relations: Relations, table: Relation, kept: KeptReading): void {
    const { access, onNotice, sleep, random } = this.#options;
    if (access === null) return;
    const { broker, from, registries } = resolveKept(relations, kept);
    const layout = layOut(kept.reading, kept.schemas);
    const registryOf = (half: Registry | null) => (half === null ? null : access.registry(half));
    const decoder = new Decoder(kept.reading, layout, kept.schemas, {
      key: registryOf(registries.key),
      value: registryOf(registries.value),
    });
    const ingestion = new Ingestion({
      access,
      broker,
      topic: from.topic,
      decoder,
      offsets: () => this.#host.turn(() => readOffsets(this.#store, table.id)),
      commit: (parts) =>
        this.#host.turn(async () => {
          // Dropped while the rows waited for their turn.
          if (this.#host.relations().get(table.id) === undefined) return;
          await commitRows(this.#store, table, layout, parts);
          this.#host.committed();
        }),
      changed: (state) => onNotice({ kind: 'state', table: table.name, state }),
      onGap: (partition, first, to) =>
        onNotice({ kind: 'gap', table: table.name, partition, from: first, to }),
      sleep,
      random,
    });
    this.#ingestions.set(table.id, ingestion);
    ingestion.start();
  }

  /** Ends all reading. Resolves when nothing more will be committed. */
  async stop(): Promise<void> {
    const all = [...this.#ingestions.values()];
    this.#ingestions.clear();
    await Promise.all(all.map((ingestion) => ingestion.stop()));
  }
}
