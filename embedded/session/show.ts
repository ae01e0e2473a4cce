import type { ShowObjects, Statement } from '../dialect/statement.ts';
import { EngineError, type RelationInfo } from '../engine.ts';
import { quoteText } from '../lexer.ts';
import type { WireRow } from '../wire/rows.ts';
import type { Context, Portal } from './context.ts';
import { BOOL, RowsPortal, TEXT } from './rows-portal.ts';

/**
 * SHOW of objects, with the columns of the newer Materialize ("SHOW VIEWS" and its kin in its
 * documentation) and a `note` where the engine does something else than one would expect.
 */
export function showObjects(context: Context, what: ShowObjects, like: string | null): Portal {
  const clustered = what === 'materialized-views' || what === 'sources';
  const typed = what === 'sources' || what === 'objects' || what === 'connections';
  const names = [
    'name',
    ...(typed ? ['type'] : []),
    ...(clustered ? ['cluster'] : []),
    'comment',
    'note',
  ];
  return texts(context, names, async () => {
    context.backend.requireFree('SHOW');
    const relations = await context.engine.catalog.relations();
    return relations
      .filter((relation) => LISTED[what].includes(relation.kind) && matches(relation.name, like))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((relation) => [
        relation.name,
        ...(typed ? [relation.kind] : []),
        ...(clustered ? ['quickstart'] : []),
        '',
        noteOf(relation),
      ]);
  });
}

const LISTED: Readonly<Record<ShowObjects, readonly RelationInfo['kind'][]>> = {
  objects: ['view', 'materialized-view', 'table', 'source', 'connection', 'secret'],
  views: ['view', 'materialized-view'],
  'materialized-views': ['materialized-view'],
  tables: ['table'],
  sources: ['source'],
  connections: ['connection'],
  secrets: ['secret'],
};

export function showColumns(context: Context, relation: string, like: string | null): Portal {
  const names = [
    ['name', TEXT],
    ['nullable', BOOL],
    ['type', TEXT],
    ['comment', TEXT],
  ] as const;
  return new RowsPortal(context, names, async () => {
    context.backend.requireFree('SHOW COLUMNS');
    const columns = await context.engine.catalog.columns(relation);
    return columns
      .filter((column) => matches(column.name, like))
      .map((column) => row([column.name, column.nullable ? 't' : 'f', column.type, '']));
  });
}

export function showCreate(
  context: Context,
  { what, relation }: Extract<Statement, { kind: 'show-create' }>,
): Portal {
  return texts(context, ['name', 'create_sql'], async () => {
    context.backend.requireFree('SHOW CREATE');
    const relations = await context.engine.catalog.relations();
    const found = relations.find(({ name }) => name === relation);
    if (found === undefined) throw new EngineError('XX000', `unknown catalog item '${relation}'`);
    const kind = found.kind.replace('-', ' ');
    // The older line knows a materialized view as a view.
    const isView = context.line === 'tail' && what === 'view' && kind === 'materialized view';
    if (kind !== what && !isView) {
      throw new EngineError(
        'XX000',
        `${relation} is not a ${what} but a ${kind}: SHOW CREATE ${kind.toUpperCase()} ${relation}`,
      );
    }
    const sql = found.sql.trimEnd();
    return [[`materialize.public.${relation}`, sql.endsWith(';') ? sql : `${sql};`]];
  });
}

/** The value of a variable that the session keeps. */
export function showVariable(context: Context, name: string): Portal {
  return texts(context, [name], async () => [[context.settings.get(name) ?? '']]);
}

export function showNames(context: Context, names: readonly string[]): Portal {
  return texts(context, ['name', 'comment'], async () => names.map((name) => [name, '']));
}

/** What PostgreSQL is asked for SHOW INDEXES. */
export function indexesQuery(relation: string | null): string {
  const filter = relation === null ? '' : ` AND t.relname = ${quoteText(relation)}`;
  return `SELECT i.relname::text AS name, t.relname::text AS "on", 'quickstart'::text AS cluster,
    ARRAY(SELECT pg_catalog.pg_get_indexdef(x.indexrelid, n, true)
          FROM pg_catalog.generate_series(1, x.indnkeyatts) AS n)::text[] AS key, ''::text AS comment
    FROM pg_catalog.pg_index x
    JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
    JOIN pg_catalog.pg_class t ON t.oid = x.indrelid
    WHERE t.relnamespace = 'public'::pg_catalog.regnamespace${filter} ORDER BY 1`;
}

function noteOf(relation: RelationInfo): string {
  const notes = [];
  if (relation.reevaluated !== null) {
    notes.push(`re-evaluated, not incrementally maintained: ${relation.reevaluated}`);
  }
  if (relation.reading !== null) notes.push(relation.reading);
  if (relation.countsSince !== null)
    notes.push(`counts since ${relation.countsSince.toISOString()}`);
  return notes.join('; ');
}

/** SQL's LIKE. */
function matches(name: string, like: string | null): boolean {
  if (like === null) return true;
  const pattern = like
    .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.');
  return new RegExp(`^${pattern}$`, 's').test(name);
}

function texts(
  context: Context,
  names: readonly string[],
  load: () => Promise<readonly (readonly string[])[]>,
): Portal {
  const columns = names.map((name) => [name, TEXT] as const);
  return new RowsPortal(context, columns, async () => (await load()).map(row));
}

function row(values: readonly string[]): WireRow {
  return values.map((value) => Buffer.from(value));
}
