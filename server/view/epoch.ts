import { createHash } from 'node:crypto';
import type { Column, Timestamp } from '../../protocol/update.ts';

/** What makes a view this view and no other; the upstream provides it by shape. */
export interface Relation {
  /** The database's identity: an environment, cluster or store id. */
  readonly identity: string;
  /** The object's id, which DROP and CREATE change. */
  readonly object: string;
  readonly columns: readonly Column[];
  /** For people; another text alone makes no other view. */
  readonly definition?: string | null;
}

/**
 * The epoch of a view: 16 base64url characters, equal on every server that serves the same view of
 * the same database. `generation` is 0, or the first time after its timestamps went back
 * (PROTOCOL.md, "Epochs").
 */
export function epochOf(relation: Relation, generation: Timestamp): string {
  const columns = relation.columns.map(({ name, type }) => [name, type]);
  const text = JSON.stringify([relation.identity, relation.object, columns, generation]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
