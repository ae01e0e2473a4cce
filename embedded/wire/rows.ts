/** A row on its way out: each column's bytes, null for NULL. */
export type WireRow = readonly (Uint8Array | null)[];

/** DataRow frames, one behind the other in one buffer. */
export function dataRows(rows: readonly WireRow[]): Buffer {
  let size = 0;
  for (const row of rows) size += 7 + dataRowBytes(row);
  const buffer = Buffer.allocUnsafe(size);
  let at = 0;
  for (const row of rows) {
    buffer[at] = 0x44;
    buffer.writeInt32BE(6 + dataRowBytes(row), at + 1);
    buffer.writeUInt16BE(row.length, at + 5);
    at = writeValues(buffer, at + 7, row);
  }
  return buffer;
}

function dataRowBytes(row: WireRow): number {
  let size = 0;
  for (const value of row) size += 4 + (value === null ? 0 : value.byteLength);
  return size;
}

function writeValues(buffer: Buffer, start: number, row: WireRow): number {
  let at = start;
  for (const value of row) {
    buffer.writeInt32BE(value === null ? -1 : value.byteLength, at);
    at += 4;
    if (value === null) continue;
    buffer.set(value, at);
    at += value.byteLength;
  }
  return at;
}

/** CopyData frames in COPY's text format, one row each (PostgreSQL manual, COPY, "Text Format"). */
export function copyRows(rows: readonly WireRow[]): Buffer {
  return Buffer.concat(rows.map(copyRow));
}

function copyRow(row: WireRow): Buffer {
  const line = `${row.map(copyValue).join('\t')}\n`;
  const body = Buffer.from(line, 'utf8');
  const head = Buffer.allocUnsafe(5);
  head[0] = 0x64;
  head.writeInt32BE(body.byteLength + 4, 1);
  return Buffer.concat([head, body]);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

function copyValue(value: Uint8Array | null): string {
  if (value === null) return '\\N';
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    .toString('utf8')
    .replaceAll(/[\\\b\f\n\r\t\v]/g, (character) => ESCAPES[character] ?? character);
}
