import type { Json } from '../../protocol/update.ts';

const DECIMAL = /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/**
 * A decimal's value in one spelling: sign, digits without zeros at either end, and the power of
 * ten; two texts of one value give the same. Null when the text is no decimal (NaN, Infinity).
 */
function normalForm(text: string): string | null {
  const parts = DECIMAL.exec(text);
  if (parts === null) return null;
  const [, sign = '', whole = '', fraction = '', power = '0'] = parts;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const exponent = Number(power) - fraction.length + (digits.length - significant.length);
  return `${sign}${significant}e${exponent}`;
}

/**
 * True when a double holds the decimal: it prints as the same value, and when it is whole it lies
 * within ±(2^53 − 1). `1.10` is held (it is the value 1.1), `0.1000000000000000055` is not.
 */
export function isHeldByDouble(text: string): boolean {
  const number = Number(text);
  if (!Number.isFinite(number)) return false;
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) return false;
  return normalForm(text) === normalForm(String(number));
}

/** A number when a double holds the decimal, else the text as it came. */
export function decimal(text: string): Json {
  return isHeldByDouble(text) ? Number(text) : text;
}

/** A double as PostgreSQL prints it: a number, or the text of NaN and the infinities. */
export function double(text: string): Json {
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}
