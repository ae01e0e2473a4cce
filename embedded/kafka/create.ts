import type { StoreCatalog } from '../catalog.ts';
import { alreadyExists } from '../catalog-errors.ts';
import { readRetention } from '../retention.ts';
import type { CreateKafkaRequest, Reading } from './definition.ts';
import { resolveReading, secretsOf } from './resolve.ts';
import type { Sources } from './sources.ts';
import { layOut } from './table-layout.ts';
import { createTable, refuseRetention } from './tables.ts';

/**
 * Makes what the statements about Kafka define. Returns a notice to show, or null.
 *
 * @throws {EngineError} for unknown names, names that are taken, and schemas that cannot be had.
 */
export async function createKafka(
  catalog: StoreCatalog,
  sources: Sources,
  request: CreateKafkaRequest,
): Promise<string | null> {
  if (catalog.current.named(request.name) !== undefined) {
    if (request.ifNotExists) return `relation "${request.name}" already exists, skipping`;
    throw alreadyExists(request.name);
  }
  const relations = catalog.current;
  const { name, sql, type } = request;
  switch (request.type) {
    case 'secret': {
      const definition = { kind: 'secret', value: request.value } as const;
      await catalog.addItem({ name, sql, type, deps: [], definition });
      return null;
    }
    case 'connection': {
      const { connection } = request;
      const deps = secretsOf(relations, connection);
      await catalog.addItem({
        name,
        sql,
        type,
        deps,
        definition: { kind: 'connection', connection },
      });
      return null;
    }
    case 'source':
      if (request.reading === null) {
        const { from, deps } = resolveReading(relations, request, null);
        await catalog.addItem({ name, sql, type, deps, definition: { kind: 'source', from } });
        return null;
      }
      return createReading(catalog, sources, request, request.reading);
    case 'table':
      return createReading(catalog, sources, request, request.reading);
  }
}

async function createReading(
  catalog: StoreCatalog,
  sources: Sources,
  request: Extract<CreateKafkaRequest, { readonly type: 'source' | 'table' }>,
  reading: Reading,
): Promise<string | null> {
  const { name, sql, type } = request;
  const retention = readRetention(sql);
  if (reading.envelope === 'upsert' && retention !== null) refuseRetention(name);
  const resolved = resolveReading(catalog.current, request, reading);
  const schemas = await sources.schemas(resolved, reading);
  const layout = layOut(reading, schemas);
  await catalog.addItem({
    name,
    sql,
    type,
    deps: resolved.deps,
    definition: { kind: 'reading', from: resolved.from, reading, schemas },
    table: { create: (store) => createTable(store, name, layout), retention },
  });
  const records = layout.columns.filter(({ type: of }) => of === 'jsonb').map((each) => each.name);
  const nested = reading.value.kind === 'avro' ? records : [];
  return nested.length === 0
    ? null
    : `jsonb here, and a record, map or nested list on Materialize: ${nested.join(', ')}`;
}
