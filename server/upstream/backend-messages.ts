/** Backend messages of the PostgreSQL protocol (PostgreSQL manual, "Message Formats"), for tests. */

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function int16(n: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(n);
  return buffer;
}

function int32(n: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(n);
  return buffer;
}

const cstring = (text: string) => Buffer.from(`${text}\0`, 'utf8');

export const authenticationOk = message('R', int32(0));
export const parseComplete = message('1');
export const bindComplete = message('2');
export const closeComplete = message('3');
export const portalSuspended = message('s');

export function backendKeyData(pid: number, secret: number): Buffer {
  return message('K', int32(pid), int32(secret));
}

export function readyForQuery(status: 'I' | 'T' | 'E'): Buffer {
  return message('Z', Buffer.from(status, 'latin1'));
}

export function commandComplete(tag: string): Buffer {
  return message('C', cstring(tag));
}

export function errorResponse(code: string, text: string): Buffer {
  const fields = [`SERROR`, `C${code}`, `M${text}`].map(cstring);
  return message('E', ...fields, Buffer.from([0]));
}

export function noticeResponse(code: string, text: string): Buffer {
  const fields = [`SNOTICE`, `C${code}`, `M${text}`].map(cstring);
  return message('N', ...fields, Buffer.from([0]));
}

export function rowDescription(
  fields: readonly { readonly name: string; readonly typeOid: number; readonly typeMod?: number }[],
): Buffer {
  const parts = fields.map(({ name, typeOid, typeMod = -1 }) =>
    Buffer.concat([
      cstring(name),
      int32(0),
      int16(0),
      int32(typeOid),
      int16(-1),
      int32(typeMod),
      int16(0),
    ]),
  );
  return message('T', int16(fields.length), ...parts);
}

export function dataRow(values: readonly (string | null)[]): Buffer {
  const parts = values.map((value) => {
    if (value === null) return int32(-1);
    const bytes = Buffer.from(value, 'utf8');
    return Buffer.concat([int32(bytes.length), bytes]);
  });
  return message('D', int16(values.length), ...parts);
}
