import type { SqlType } from '../../avro/columns.ts';

/**
 * Values in the text of PostgreSQL's COPY (its documentation, "COPY", Text Format). What PostgreSQL
 * cannot hold, U+0000, becomes U+FFFD.
 */

export const NULL_TEXT = '\\N';

const SPECIAL = /[\\\n\r\t\0]/;
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\0': '\ufffd',
};

/** A text as COPY takes it. */
export function copyText(text: string): string {
  return SPECIAL.test(text) ? text.replace(/[\\\n\r\t\0]/g, (each) => ESCAPES[each] ?? each) : text;
}

/** The text behind COPY's; null for NULL. */
export function plainText(copied: string): string | null {
  if (copied === NULL_TEXT) return null;
  return copied.replace(/\\(.)/g, (_, escaped: string) => PLAIN[escaped] ?? escaped);
}

const PLAIN: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** A value read from Avro or JSON (avro/schema.ts) as COPY takes it for a column of the type. */
export function copyValue(type: SqlType, value: unknown): string {
  if (value === null || value === undefined) return NULL_TEXT;
  switch (type.kind) {
    case 'scalar':
      return copyScalar(type.name, value);
    case 'list':
      return type.of.kind === 'scalar' && Array.isArray(value)
        ? copyText(arrayText(type.of.name, value))
        : copyText(jsonText(value));
    case 'map':
    case 'record':
      return copyText(jsonText(value));
  }
}

function copyScalar(name: string, value: unknown): string {
  if (typeof value === 'string') return copyText(value);
  if (typeof value === 'boolean') return value ? 't' : 'f';
  return copyText(scalarText(name, value));
}

function scalarText(name: string, value: unknown): string {
  if (Buffer.isBuffer(value)) return `\\x${value.toString('hex')}`;
  return name === 'jsonb' ? jsonText(value) : String(value);
}

function arrayText(name: string, values: readonly unknown[]): string {
  const items = values.map((value) =>
    value === null ? 'NULL' : `"${scalarText(name, value).replace(/["\\]/g, '\\$&')}"`,
  );
  return `{${items.join(',')}}`;
}

/** JSON for jsonb, which has no \u0000 either. */
export function jsonText(value: unknown): string {
  const json = JSON.stringify(value, (_, part: unknown) =>
    isBufferJson(part) ? Buffer.from(part.data).toString('base64') : part,
  );
  return withoutNul(json);
}

/** JSON text without the escape that jsonb refuses. */
export function withoutNul(json: string): string {
  return json.includes('\\u0000')
    ? json.replace(/\\(?:u0000|.)/g, (each) => (each === '\\u0000' ? '\ufffd' : each))
    : json;
}

/** What a Buffer has become when `JSON.stringify` hands it to its replacer. */
function isBufferJson(part: unknown): part is { readonly data: readonly number[] } {
  return part instanceof Object && Reflect.get(part, 'type') === 'Buffer' && 'data' in part;
}
