import { stillNeeded, unknownItem, wrongKind } from './catalog-errors.ts';
import type { Catalog } from './engine.ts';
import type { Relation, Relations } from './relation.ts';

export type DropRequest = Parameters<Catalog['drop']>[0];

/**
 * The relations that a DROP takes away: those it names, and with CASCADE what depends on them.
 * Dependents come before what they depend on.
 *
 * @throws {EngineError} for a name that is none, one of another kind, or one that is still needed.
 */
export function whatGoes(relations: Relations, request: DropRequest): readonly Relation[] {
  const named = namedBy(relations, request);
  const all = new Map(named.map((relation) => [relation.id, relation]));
  for (const relation of named) {
    for (const dependent of relations.dependents(relation.id)) {
      if (!request.cascade && !all.has(dependent.id)) throw stillNeeded(relation, dependent);
      all.set(dependent.id, dependent);
    }
  }
  const order = relations.reachable([...all.keys()]).toReversed();
  return order.filter((relation) => all.has(relation.id));
}

function namedBy(relations: Relations, request: DropRequest): readonly Relation[] {
  return request.names.flatMap((name) => {
    const relation = relations.named(name);
    if (relation === undefined || relation.schema !== 'public') {
      if (request.ifExists) return [];
      throw unknownItem(name);
    }
    if (!isOfKind(relation, request.kind)) throw wrongKind(relation, request.kind);
    return [relation];
  });
}

/** Both kinds of views go by either name, as either dialect has it. */
export function isOfKind(relation: Relation, kind: DropRequest['kind']): boolean {
  return groupOf(relation.type) === groupOf(kind);
}

const groupOf = (kind: DropRequest['kind']): string =>
  kind === 'materialized-view' ? 'view' : kind;
