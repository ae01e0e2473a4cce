/** What the types are made from: a view as `GET /api/views` describes it. */
export interface DescribedView {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/** A number where a double holds the SQL value, its text where not (PROTOCOL.md, "Values"). */
const NUMERIC = 'number | string';

/** What a value of a SQL type is in JSON, but for NULL; every other type is a text. */
const JSON_TYPES: ReadonlyMap<string, string> = new Map([
  ['boolean', 'boolean'],
  ['smallint', 'number'],
  ['integer', 'number'],
  ['oid', 'number'],
  ['uint2', 'number'],
  ['uint4', 'number'],
  ['bigint', NUMERIC],
  ['uint8', NUMERIC],
  ['numeric', NUMERIC],
  ['real', NUMERIC],
  ['double precision', NUMERIC],
  ['mz_timestamp', NUMERIC],
  ['json', 'Json'],
  ['jsonb', 'Json'],
]);

/**
 * The TypeScript type of a column's values. Each may be null: the catalogue does not say which
 * columns never are.
 */
export function columnType(sqlType: string): string {
  // Modifiers say how long or how precise, as in `numeric(10,2)`: not what kind of value it is.
  const type = sqlType.toLowerCase().replace(/\([\d, ]*\)/, '');
  const element = /^(.*)\[\]$/.exec(type)?.[1];
  if (element !== undefined) return `SqlArray<${plainType(element)}> | null`;
  // The wire does not say what is in a list or a map, so that is text.
  if (type.endsWith(' list')) return 'SqlArray<string> | null';
  if (type.startsWith('map[')) return 'Json';
  return plainType(type) === 'Json' ? 'Json' : `${plainType(type)} | null`;
}

function plainType(type: string): string {
  return JSON_TYPES.get(type) ?? 'string';
}

const HEADER = `/**
 * The views of a viewcast server with their rows as tuples, for \`connect<Views>(url)\`. Any column
 * may be NULL. Made by \`npm run types\`; make it anew rather than change it.
 */

/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** An array of any dimensions; one whose bounds do not start at 1 is a text. */
export type SqlArray<T> = string | readonly (T | null | SqlArray<T>)[];
`;

/** A TypeScript module of all views: `Views`, by name the type of a row. Views are sorted. */
export function viewTypesText(views: readonly DescribedView[]): string {
  const sorted = views.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const members = sorted.map(
    ({ name, columns }) => `  ${key(name)}: readonly [${columns.map(member).join('')}\n  ];\n`,
  );
  return `${HEADER}\nexport type Views = {\n${members.join('')}};\n`;
}

function member({ name, type }: { readonly name: string; readonly type: string }): string {
  const note = `${/^\w+$/.test(name) ? '' : `${JSON.stringify(name)}, `}${type}`;
  // A label must be a word: other names, which SQL allows in quotes, stand in the comment.
  const label = /^[A-Za-z_$][\w$]*$/.test(name) ? `${name}: ` : '';
  return `\n    /** ${note.replaceAll('*/', '* /')} */\n    ${label}${columnType(type)},`;
}

function key(name: string): string {
  return `readonly ${JSON.stringify(name)}`;
}
