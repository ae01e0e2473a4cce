/**
 * A row inside the engine is the bytes that PostgreSQL sent for it: the fields of its DataRow, each
 * a length and its text, as one latin1 string, one character a byte. It is injective for any type,
 * needs no equality operator, and costs one byte a byte.
 */
export type RowKey = string;

/** The key of a DataRow's body. O(bytes). */
export function keyOfRow(body: Buffer): RowKey {
  return body.toString('latin1', 2);
}

/** Splits a DataRow whose first column is a diff from the rest, which is the row. */
export function keyOfDelta(body: Buffer): { readonly key: RowKey; readonly diff: number } {
  const end = 6 + body.readInt32BE(2);
  return { key: body.toString('latin1', end), diff: Number(body.toString('latin1', 6, end)) };
}

/** The column values of a row in text format, null for NULL. O(bytes). */
export function valuesOf(key: RowKey): readonly (Uint8Array | null)[] {
  const bytes = Buffer.from(key, 'latin1');
  const values: (Uint8Array | null)[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const length = bytes.readInt32BE(at);
    at += 4;
    values.push(length < 0 ? null : bytes.subarray(at, at + length));
    if (length > 0) at += length;
  }
  return values;
}
