import type { Relation } from './relation.ts';

/** A plain table without columns, but for what is said. Only tests import this. */
export function sampleRelation(more: Pick<Relation, 'id' | 'name'> & Partial<Relation>): Relation {
  return {
    schema: 'public',
    type: 'table',
    method: 'table',
    reason: null,
    sql: '',
    deps: [],
    temporal: false,
    aggregate: null,
    countsSince: null,
    oid: null,
    keepsNewest: false,
    columns: [],
    definition: null,
    ...more,
  };
}
