/**
 * SQL values in text format become JSON values by the OID of their type, here and nowhere else
 * (PROTOCOL.md, "Values"; OIDs: PostgreSQL's pg_type.dat and Materialize's own from 16384).
 */
import type { Json } from '../../protocol/update.ts';
import { type Convert, parseList, parseMap } from './brace-text.ts';
import { jsonValue } from './json-value.ts';
import { decimal, double } from './number.ts';

/** Converts a column's text, null for NULL. */
export type ConvertValue = (text: string | null) => Json;

const asText: Convert = (text) => text;
const boolean: Convert = (text) => text === 't' || text === 'true';

function bytea(text: string): Json {
  return text.startsWith('\\x') ? Buffer.from(text.slice(2), 'hex').toString('base64') : text;
}

const TIMESTAMP = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?$/;
const TIMESTAMPTZ =
  /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?([+-]\d\d)(?::(\d\d))?(?::(\d\d))?$/;

/** ISO 8601 without a zone; years beyond 9999, BC and infinity stay as PostgreSQL prints them. */
function timestamp(text: string): Json {
  const parts = TIMESTAMP.exec(text);
  if (parts === null) return text;
  const [, date, time, fraction = ''] = parts;
  return `${date}T${time}${fraction}`;
}

/** ISO 8601 in UTC, whatever zone the session prints. */
function timestamptz(text: string): Json {
  const parts = TIMESTAMPTZ.exec(text);
  if (parts === null) return text;
  const [, date, time, fraction = '', hours = '+00', minutes = '00', seconds = '00'] = parts;
  const sign = hours.startsWith('-') ? -1 : 1;
  const offset = sign * (Math.abs(Number(hours)) * 3600 + Number(minutes) * 60 + Number(seconds));
  if (offset === 0) return `${date}T${time}${fraction}Z`;
  const utc = new Date(Date.parse(`${date}T${time}Z`) - offset * 1000).toISOString();
  return `${utc.slice(0, 19)}${fraction}Z`;
}

/** An array; one with bounds of its own, `[0:1]={a,b}`, is another value and stays text. */
function arrayOf(element: Convert): Convert {
  return (text) => (text.startsWith('{') ? parseList(text, element) : text);
}

/** A scalar type's OID, the OID of its array (null: has none), and its conversion. */
const SCALARS: readonly (readonly [oid: number, arrayOid: number | null, convert: Convert])[] = [
  [16, 1000, boolean],
  [17, 1001, bytea],
  [18, 1002, asText], // "char"
  [19, 1003, asText], // name
  [20, 1016, decimal], // int8
  [21, 1005, decimal], // int2
  [23, 1007, decimal], // int4
  [25, 1009, asText], // text
  [26, 1028, decimal], // oid
  [114, 199, jsonValue], // json
  [700, 1021, double], // float4
  [701, 1022, double], // float8
  [1042, 1014, asText], // bpchar
  [1043, 1015, asText], // varchar
  [1082, 1182, asText], // date
  [1083, 1183, asText], // time
  [1114, 1115, timestamp],
  [1184, 1185, timestamptz],
  [1186, 1187, asText], // interval
  [1266, 1270, asText], // timetz
  [1700, 1231, decimal], // numeric
  [2950, 2951, asText], // uuid
  [3802, 3807, jsonValue], // jsonb
  [16460, 16461, decimal], // uint2 (Materialize, as are those below)
  [16462, 16463, decimal], // uint4
  [16464, 16465, decimal], // uint8
  [16552, null, decimal], // mz_timestamp
];

const CONVERTERS: ReadonlyMap<number, Convert> = new Map([
  ...SCALARS.map(([oid, , convert]) => [oid, convert] as const),
  ...SCALARS.flatMap(([, oid, convert]) =>
    oid === null ? [] : [[oid, arrayOf(convert)] as const],
  ),
  // The OID of a list or map does not name its elements' type, so they stay texts.
  [16384, arrayOf(asText)] as const,
  [16385, parseMap] as const,
]);

/** How a column of this type is converted; a type that is not known stays text. */
export function converterOf(oid: number): ConvertValue {
  const convert = CONVERTERS.get(oid) ?? asText;
  return (text) => (text === null ? null : convert(text));
}
