import type { CreateViewRequest, DropKind, SubscribeRequest } from '../engine.ts';
import type { CreateKafkaRequest } from '../kafka/definition.ts';

/** SUBSCRIBE or TAIL (reference: Materialize's documentation, "SUBSCRIBE"). */
export interface SubscribeStatement {
  readonly kind: 'subscribe';
  /** As it was written: notices repeat it. */
  readonly keyword: 'SUBSCRIBE' | 'TAIL';
  readonly request: SubscribeRequest;
  readonly progress: boolean;
  /** Key columns of ENVELOPE UPSERT; null for plain diffs. */
  readonly upsertKey: readonly string[] | null;
}

/** A statement that PostgreSQL runs as it stands. */
export interface BackendStatement {
  readonly kind: 'backend';
  readonly sql: string;
  /** `write` takes the engine for the rest of a transaction, `read` does not. */
  readonly access: 'read' | 'write';
  /** VACUUM and its kin, which no transaction may hold. */
  readonly outsideTransaction: boolean;
  /** It is a COPY … TO STDOUT, whose rows are no DataRows. */
  readonly copiesOut: boolean;
}

export type ShowObjects =
  | 'objects'
  | 'views'
  | 'materialized-views'
  | 'tables'
  | 'sources'
  | 'connections'
  | 'secrets';

/** What a session can be asked to do. */
export type Statement =
  | BackendStatement
  | SubscribeStatement
  | { readonly kind: 'copy-subscribe'; readonly subscribe: SubscribeStatement }
  | {
      readonly kind: 'copy-in';
      readonly sql: string;
      /** A SELECT with the columns that are copied. */
      readonly shape: string;
      readonly binary: boolean;
    }
  | { readonly kind: 'begin' | 'commit' | 'rollback' }
  | {
      readonly kind: 'set';
      readonly sql: string;
      readonly name: string;
      /** null for DEFAULT. */
      readonly value: string | null;
      readonly local: boolean;
    }
  | { readonly kind: 'reset'; readonly name: string | null; readonly sql: string }
  | { readonly kind: 'show'; readonly name: string; readonly sql: string }
  | { readonly kind: 'show-objects'; readonly what: ShowObjects; readonly like: string | null }
  | { readonly kind: 'show-columns'; readonly relation: string; readonly like: string | null }
  | { readonly kind: 'show-create'; readonly what: string; readonly relation: string }
  | { readonly kind: 'show-indexes'; readonly relation: string | null }
  | { readonly kind: 'show-names'; readonly names: readonly string[] }
  | {
      readonly kind: 'declare';
      readonly name: string;
      readonly statement: SubscribeStatement | BackendStatement;
    }
  | {
      readonly kind: 'fetch';
      readonly name: string;
      /** Infinity for ALL. */
      readonly count: number;
      /** Null: wait once, without limit. */
      readonly timeoutMs: number | null;
    }
  | { readonly kind: 'close'; readonly name: string | null }
  | { readonly kind: 'create-view'; readonly request: CreateViewRequest }
  | { readonly kind: 'create-kafka'; readonly request: CreateKafkaRequest }
  | {
      readonly kind: 'create-index';
      readonly relation: string;
      readonly statement: BackendStatement;
    }
  | {
      readonly kind: 'drop';
      readonly what: DropKind;
      readonly names: readonly string[];
      readonly ifExists: boolean;
      readonly cascade: boolean;
    }
  | { readonly kind: 'deallocate'; readonly name: string | null }
  | { readonly kind: 'discard' }
  /** Accepted for compatibility; says in a notice that nothing had to be done. */
  | { readonly kind: 'accepted'; readonly tag: string; readonly notice: string | null };
