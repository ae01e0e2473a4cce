/**
 * What the statements about Kafka define (Materialize's documentation, "CREATE CONNECTION",
 * "CREATE SOURCE: Kafka", "CREATE TABLE … FROM SOURCE"). All of it is plain JSON: the catalogue keeps
 * it beside the statement.
 */

/** A value in a connection: written there, or kept in a secret. */
export type Value = { readonly text: string } | { readonly secret: string };

export interface Sasl {
  /** Such as SCRAM-SHA-256, in capitals. */
  readonly mechanism: string;
  readonly username: Value;
  readonly password: Value;
}

export interface KafkaConnection {
  readonly kind: 'kafka';
  /** host:port, each. */
  readonly brokers: readonly string[];
  readonly ssl: boolean;
  readonly sasl: Sasl | null;
}

export interface RegistryConnection {
  readonly kind: 'registry';
  readonly url: string;
  readonly login: { readonly username: Value; readonly password: Value } | null;
}

export type Connection = KafkaConnection | RegistryConnection;

/** A connection by its name, or written into the statement as the older dialect does. */
export type ConnectionOf<C extends Connection> = { readonly name: string } | { readonly inline: C };

/** A topic, and where it is. */
export interface TopicSource {
  readonly connection: ConnectionOf<KafkaConnection>;
  readonly topic: string;
}

export type Format =
  | { readonly kind: 'avro'; readonly registry: ConnectionOf<RegistryConnection> }
  | { readonly kind: 'text' | 'json' | 'bytes' };

/** A column beside those of the value. */
export interface Include {
  readonly what: 'key' | 'partition' | 'offset' | 'timestamp';
  /** The name given with AS. */
  readonly as: string | null;
}

/** How the messages of a topic become rows. */
export interface Reading {
  readonly key: Format | null;
  readonly value: Format;
  readonly include: readonly Include[];
  readonly envelope: 'none' | 'upsert';
}

interface Named {
  readonly name: string;
  readonly ifNotExists: boolean;
  /** The whole statement, for SHOW CREATE. */
  readonly sql: string;
}

/** CREATE of what belongs to Kafka. */
export type CreateKafkaRequest = Named &
  (
    | { readonly type: 'secret'; readonly value: string }
    | { readonly type: 'connection'; readonly connection: Connection }
    /** `reading` is null where tables are made from the source later. */
    | { readonly type: 'source'; readonly from: TopicSource; readonly reading: Reading | null }
    | {
        readonly type: 'table';
        readonly source: string;
        /** What REFERENCE names; null when it is left out. */
        readonly reference: string | null;
        readonly reading: Reading;
      }
  );
