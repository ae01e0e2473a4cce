import avro from 'avsc';
import { type Long, longType } from './long.ts';

// Values are those of JSON, so that what a program reads is what another may send: times as ISO
// 8601 in UTC, dates as YYYY-MM-DD, decimals as their text. A logical type that is not listed here
// is its underlying type, as Avro's specification asks.

const iso = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;
const firstMs = Date.parse('0001-01-01T00:00:00Z');
const lastMs = Date.parse('9999-12-31T23:59:59.999Z');
const dayMs = 86_400_000;

interface Instant {
  /** Whole seconds since the epoch. */
  readonly seconds: number;
  /** 0 to 999,999. */
  readonly micros: number;
}

/** Undefined for what is no time of the years 1 to 9999. */
function instantOf(value: unknown): Instant | undefined {
  const parts = typeof value === 'string' ? iso.exec(value) : null;
  if (parts === null) return undefined;
  const [, day, time, fraction = '', zone] = parts;
  const ms = Date.parse(`${day}T${time}${zone}`);
  // Date.parse takes 31 February for 3 March.
  if (!(ms >= firstMs && ms <= lastMs) || !isDay(day)) return undefined;
  return { seconds: ms / 1_000, micros: Number(fraction.slice(0, 6).padEnd(6, '0')) };
}

function isDay(value: unknown): value is string {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const ms = Date.parse(`${value}T00:00:00Z`);
  return ms >= firstMs && ms <= lastMs && new Date(ms).toISOString().startsWith(value);
}

abstract class SameUnderneath extends avro.types.LogicalType {
  protected override _resolve(writer: avro.Type): unknown {
    const under = 'underlyingType' in writer ? writer.underlyingType : writer;
    if (!(under instanceof avro.Type) || under.typeName !== this.underlyingType.typeName) {
      return undefined;
    }
    return (value: unknown) => this._fromValue(value);
  }
}

/** A time over our own long: avsc's misreads what is above 2^52. */
abstract class Timestamp extends SameUnderneath {
  #last: { readonly text: unknown; readonly value: number | undefined } | null = null;

  constructor(schema: avro.Schema, opts?: object) {
    super(schema, { ...opts, typeHook: () => longType });
  }

  protected abstract from(instant: Instant): number;

  /** avsc asks several times for each value, to choose a branch, to check and to write. */
  protected override _toValue(text: unknown): number | undefined {
    if (this.#last !== null && this.#last.text === text) return this.#last.value;
    const instant = instantOf(text);
    const value = instant && this.from(instant);
    this.#last = { text, value };
    return value;
  }
}

class TimestampMillis extends Timestamp {
  protected override _fromValue(ms: Long): string {
    return new Date(Number(ms)).toISOString();
  }
  protected override from({ seconds, micros }: Instant): number {
    return seconds * 1_000 + Math.floor(micros / 1_000);
  }
}

class TimestampMicros extends Timestamp {
  protected override _fromValue(value: Long): string {
    const micros = Number(value);
    const ms = Math.floor(micros / 1_000);
    const fraction = String(micros - ms * 1_000).padStart(3, '0');
    return `${new Date(ms).toISOString().slice(0, -1)}${fraction}Z`;
  }
  protected override from({ seconds, micros }: Instant): number {
    return seconds * 1_000_000 + micros;
  }
}

class Day extends SameUnderneath {
  protected override _fromValue(days: number): string {
    return new Date(days * dayMs).toISOString().slice(0, 10);
  }
  protected override _toValue(value: unknown): number | undefined {
    return isDay(value) ? Date.parse(`${value}T00:00:00Z`) / dayMs : undefined;
  }
}

/** Logical types by name, for avsc. */
export const logicalTypes = {
  'timestamp-millis': TimestampMillis,
  'timestamp-micros': TimestampMicros,
  date: Day,
};
