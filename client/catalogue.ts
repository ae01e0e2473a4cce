import type { Column } from '../protocol/update.ts';

/** What `GET /api/views` says of a view. */
export interface CatalogueEntry {
  readonly name: string;
  readonly epoch: string;
  readonly columns: readonly Column[];
}

/**
 * Reads the answer of `GET /api/views`.
 *
 * @throws {TypeError} when it is another one.
 */
export function parseCatalogue(answer: unknown): ReadonlyMap<string, CatalogueEntry> {
  const views: unknown = Object(answer).views;
  if (!Array.isArray(views)) throw new TypeError('expected a list of views');
  return new Map(views.map(parseEntry).map((entry) => [entry.name, entry]));
}

function parseEntry(value: unknown): CatalogueEntry {
  const { name, epoch, columns }: Record<string, unknown> = Object(value);
  if (typeof name !== 'string' || typeof epoch !== 'string' || !Array.isArray(columns)) {
    throw new TypeError(`expected a view's name, epoch and columns, got ${JSON.stringify(value)}`);
  }
  return { name, epoch, columns: columns.map(parseColumn) };
}

function parseColumn(value: unknown): Column {
  const { name, type }: Record<string, unknown> = Object(value);
  return { name: String(name), type: String(type) };
}
