import { unknownItem } from '../catalog-errors.ts';
import { EngineError } from '../engine.ts';
import type { Relation, Relations } from '../relation.ts';
import type { Broker, Registry } from './access.ts';
import type {
  Connection,
  ConnectionOf,
  CreateKafkaRequest,
  Format,
  KafkaConnection,
  Reading,
  RegistryConnection,
  TopicSource,
  Value,
} from './definition.ts';
import type { Schemas } from './table-layout.ts';

/** What the catalogue keeps of an item beside its statement. */
export type KeptDefinition =
  | { readonly kind: 'secret'; readonly value: string }
  | { readonly kind: 'connection'; readonly connection: Connection }
  | { readonly kind: 'source'; readonly from: TopicSource }
  | KeptReading;

/** A table that is read from a topic. */
export interface KeptReading {
  readonly kind: 'reading';
  readonly from: TopicSource;
  readonly reading: Reading;
  readonly schemas: Schemas;
}

/** What a table is filled from, found by the names in its statement. */
export interface Resolved {
  readonly from: TopicSource;
  readonly broker: Broker;
  /** Of the key's format and the value's; null where that is not Avro. */
  readonly registries: { readonly key: Registry | null; readonly value: Registry | null };
  /** Ids of the items that were named. */
  readonly deps: readonly string[];
}

/**
 * Finds what a source or table is filled from.
 *
 * @throws {EngineError} for a name that is none, or is something else.
 */
export function resolveReading(
  relations: Relations,
  request: Extract<CreateKafkaRequest, { readonly type: 'source' | 'table' }>,
  reading: Reading | null,
): Resolved {
  const found = new Finder(relations);
  const from = request.type === 'source' ? request.from : sourceOf(found, request);
  return {
    from,
    broker: found.broker(from.connection),
    registries: {
      key: registryOf(found, reading?.key ?? null),
      value: registryOf(found, reading?.value ?? null),
    },
    deps: found.deps,
  };
}

/** The same for a table of the catalogue. */
export function resolveKept(relations: Relations, { from, reading }: KeptReading): Resolved {
  const found = new Finder(relations);
  return {
    from,
    broker: found.broker(from.connection),
    registries: { key: registryOf(found, reading.key), value: registryOf(found, reading.value) },
    deps: found.deps,
  };
}

/** The ids of the secrets that a connection names. @throws {EngineError} for unknown ones. */
export function secretsOf(relations: Relations, connection: Connection): readonly string[] {
  const found = new Finder(relations);
  if (connection.kind === 'kafka') found.brokerOf(connection);
  else found.registryOf(connection);
  return found.deps;
}

function sourceOf(
  found: Finder,
  request: Extract<CreateKafkaRequest, { readonly type: 'table' }>,
): TopicSource {
  const { source, reference } = request;
  const definition = found.item(source, 'source');
  if (definition.kind !== 'source') {
    throw new EngineError('42809', `"${source}" has its own FORMAT: it is read as it is`);
  }
  if (reference !== null && reference !== definition.from.topic) {
    throw new EngineError(
      'XX000',
      `the source "${source}" reads the topic "${definition.from.topic}", not "${reference}"`,
    );
  }
  return definition.from;
}

function registryOf(found: Finder, format: Format | null): Registry | null {
  return format?.kind === 'avro' ? found.registry(format.registry) : null;
}

/** Looks up items by name and notes which. */
class Finder {
  readonly #relations: Relations;
  readonly #deps = new Set<string>();

  constructor(relations: Relations) {
    this.#relations = relations;
  }

  get deps(): readonly string[] {
    return [...this.#deps];
  }

  item(name: string, type: Relation['type']): KeptDefinition {
    const relation = this.#relations.named(name);
    if (relation === undefined) throw unknownItem(name);
    if (relation.type !== type || relation.definition === null) {
      throw new EngineError('42809', `"${name}" is a ${relation.type}, and a ${type} was expected`);
    }
    this.#deps.add(relation.id);
    return relation.definition;
  }

  broker(of: ConnectionOf<KafkaConnection>): Broker {
    const connection = 'inline' in of ? of.inline : this.#connection(of.name);
    if (connection.kind === 'kafka') return this.brokerOf(connection);
    throw new EngineError('42809', `the connection goes to a schema registry, not to Kafka`);
  }

  brokerOf({ brokers, ssl, sasl }: KafkaConnection): Broker {
    if (sasl === null) return { brokers, ssl, sasl };
    const { mechanism, username, password } = sasl;
    return {
      brokers,
      ssl,
      sasl: { mechanism, username: this.#text(username), password: this.#text(password) },
    };
  }

  registry(of: ConnectionOf<RegistryConnection>): Registry {
    const connection = 'inline' in of ? of.inline : this.#connection(of.name);
    if (connection.kind === 'registry') return this.registryOf(connection);
    throw new EngineError('42809', `the connection goes to Kafka, not to a schema registry`);
  }

  registryOf({ url, login }: RegistryConnection): Registry {
    if (login === null) return { url, login };
    return {
      url,
      login: { username: this.#text(login.username), password: this.#text(login.password) },
    };
  }

  #connection(name: string): Connection {
    const definition = this.item(name, 'connection');
    if (definition.kind === 'connection') return definition.connection;
    throw unknownItem(name);
  }

  #text(value: Value): string {
    if ('text' in value) return value.text;
    const definition = this.item(value.secret, 'secret');
    return definition.kind === 'secret' ? definition.value : '';
  }
}
