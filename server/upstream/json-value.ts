import type { Json } from '../../protocol/update.ts';
import { isHeldByDouble } from './number.ts';

/**
 * A json or jsonb value as itself, or as its text when it holds a number that a double loses
 * (PROTOCOL.md, "Values"). So that no two values meet, a JSON string that reads like such a text
 * travels as text too.
 */
export function jsonValue(text: string): Json {
  const value = parse(text);
  return value === undefined || travelsAsText(text, value) ? text : value;
}

function travelsAsText(text: string, value: Json): boolean {
  if (typeof value !== 'string') return losesNumbers(text);
  const inner = parse(value);
  return inner !== undefined && travelsAsText(value, inner);
}

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
// Only such texts can hold a number that a double loses: 16 digits, or an exponent.
const SUSPICIOUS = /\d[\d.]{15}|\d[eE]/;

function losesNumbers(text: string): boolean {
  if (!SUSPICIOUS.test(text)) return false;
  for (const [token] of text.matchAll(STRING_OR_NUMBER)) {
    if (!token.startsWith('"') && !isHeldByDouble(token)) return true;
  }
  return false;
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the caller decides what it means; PostgreSQL never sends such a jsonb.
    return undefined;
  }
}
