import { AvroError } from './avro-error.ts';

/**
 * Confluent's framing of a message: a zero byte, the schema's id in the registry as four bytes, big
 * endian, then the Avro value. Both Materialize lines expect it.
 */
export interface Framed {
  readonly schemaId: number;
  readonly body: Buffer;
}

const headerBytes = 5;

/** Puts the header before an encoded value. */
export function frame(schemaId: number, body: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(headerBytes + body.length);
  framed[0] = 0;
  framed.writeUInt32BE(schemaId, 1);
  body.copy(framed, headerBytes);
  return framed;
}

/** Takes the header off; the body is a view of the same memory. @throws {AvroError} without one. */
export function unframe(message: Buffer): Framed {
  if (message.length < headerBytes || message[0] !== 0) {
    const head = message.subarray(0, headerBytes).toString('hex');
    throw new AvroError(
      `expected Confluent's framing (00 and a schema id of four bytes), got ${message.length} bytes beginning ${head}`,
    );
  }
  return { schemaId: message.readUInt32BE(1), body: message.subarray(headerBytes) };
}
