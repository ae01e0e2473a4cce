import { rowText } from '../../protocol/row.ts';
import type { Frontier, RowText, Timestamp } from '../../protocol/update.ts';
import { UpstreamError } from '../errors.ts';
import { type ConvertValue, converterOf } from './values.ts';

/** One row of a stream `WITH (PROGRESS)`, parsed. */
export type StreamRow =
  /** No later row has a time below this one. */
  | { readonly kind: 'progress'; readonly time: Frontier }
  /** A change; `'end'` is the time 2^64 − 1 of a view that can never change. */
  | {
      readonly kind: 'data';
      readonly time: Frontier;
      readonly row: RowText;
      readonly diff: number;
    };

/** A column as a RowDescription names it. */
export interface Field {
  readonly name: string;
  readonly typeOid: number;
}

/** The columns before the view's own (Materialize docs, SUBSCRIBE, "Output"). */
const LEADING = ['mz_timestamp', 'mz_progressed', 'mz_diff'] as const;
/** 2^64 − 1. */
const END = '18446744073709551615';

/**
 * A parser for the rows of one stream. The values come as the wire's texts, null for NULL.
 *
 * @throws {UpstreamError} BAD_STREAM when the columns, or later a row, are not as the dialect says.
 */
export function rowParser(
  fields: readonly Field[],
): (values: readonly (string | null)[]) => StreamRow {
  const names = fields.map((field) => field.name);
  if (LEADING.some((name, i) => names[i] !== name)) {
    throw badStream(`columns starting with ${LEADING.join(', ')}`, names.join(', '));
  }
  const converters = fields.slice(LEADING.length).map((field) => converterOf(field.typeOid));
  return (values) => parseRow(values, converters);
}

function parseRow(
  values: readonly (string | null)[],
  converters: readonly ConvertValue[],
): StreamRow {
  const time = parseTime(values[0]);
  if (values[1] === 't') return { kind: 'progress', time };
  const diff = Number(values[2] ?? Number.NaN);
  if (!Number.isSafeInteger(diff) || diff === 0) {
    throw badStream('an mz_diff other than 0', String(values[2]));
  }
  const row = converters.map((convert, i) => convert(values[i + LEADING.length] ?? null));
  return { kind: 'data', time, row: rowText(row), diff };
}

/**
 * A timestamp of the upstream: ms since the epoch, or `'end'` for 2^64 − 1.
 *
 * @throws {UpstreamError} BAD_STREAM for anything else, or beyond 2^53 − 1.
 */
export function parseTime(text: string | null | undefined): Timestamp | 'end' {
  if (text === END) return 'end';
  const time = Number(text ?? Number.NaN);
  if (!Number.isSafeInteger(time) || time < 0) {
    throw badStream('a timestamp from 0 to 2^53 − 1, or 2^64 − 1', String(text));
  }
  return time;
}

function badStream(expected: string, got: string): UpstreamError {
  return new UpstreamError('BAD_STREAM', `expected ${expected}, got ${got}`);
}
