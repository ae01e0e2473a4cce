import { EngineError } from '../engine.ts';

/** One protocol message: its type byte and what follows the length. */
export interface Frame {
  /** ASCII code of the type. */
  readonly type: number;
  /** Without type and length; a view into a shared buffer, not to be written to. */
  readonly body: Buffer;
}

/** The largest start-up packet that is read, in bytes, as in PostgreSQL. */
export const MAX_STARTUP_BYTES = 10_000;

/**
 * Cuts a byte stream into frames, however it was chunked. It is pulled, because the same stream
 * starts with untyped start-up packets and goes on with typed messages (PostgreSQL protocol 3,
 * "Message Formats"). Each byte is copied at most twice.
 */
export class FrameReader {
  readonly #maxFrameBytes: number;
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Bytes received and not yet handed out. */
  get bufferedBytes(): number {
    return this.#size;
  }

  push(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return;
    this.#chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.#size += chunk.byteLength;
  }

  /**
   * The next start-up packet without its length, or undefined until it is whole.
   *
   * @throws {EngineError} 08P01 when the length is none a start-up packet can have.
   */
  nextStartup(): Buffer | undefined {
    const length = this.#peekLength(0);
    if (length === undefined) return undefined;
    if (length < 8 || length > MAX_STARTUP_BYTES) {
      throw badLength('a start-up packet', 8, MAX_STARTUP_BYTES, length);
    }
    return this.#takeWhole(length)?.subarray(4);
  }

  /**
   * The next typed message, or undefined until it is whole.
   *
   * @throws {EngineError} 08P01 when the length is below 4 or above the limit.
   */
  next(): Frame | undefined {
    const length = this.#peekLength(1);
    if (length === undefined) return undefined;
    if (length < 4 || length > this.#maxFrameBytes) {
      throw badLength('a message', 4, this.#maxFrameBytes, length);
    }
    const whole = this.#takeWhole(length + 1);
    return whole && { type: whole.readUInt8(0), body: whole.subarray(5) };
  }

  #peekLength(offset: number): number | undefined {
    if (this.#size < offset + 4) return undefined;
    return this.#front(offset + 4).readInt32BE(offset);
  }

  #takeWhole(bytes: number): Buffer | undefined {
    if (this.#size < bytes) return undefined;
    const front = this.#front(bytes);
    if (front.byteLength === bytes) this.#chunks.shift();
    else this.#chunks[0] = front.subarray(bytes);
    this.#size -= bytes;
    return front.subarray(0, bytes);
  }

  /** Joins chunks only as far as `bytes` reaches, so that a long frame is copied once. */
  #front(bytes: number): Buffer {
    const first = this.#chunks[0] ?? Buffer.alloc(0);
    if (first.byteLength >= bytes) return first;
    let count = 0;
    for (let size = 0; size < bytes; count++) size += this.#chunks[count]?.byteLength ?? bytes;
    const joined = Buffer.concat(this.#chunks.slice(0, count));
    this.#chunks.splice(0, count, joined);
    return joined;
  }
}

/** Walks over whole frames that stand one behind the other, as the backend emits them. */
export function* splitFrames(bytes: Uint8Array): Generator<Frame & { readonly whole: Buffer }> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < buffer.byteLength; ) {
    const end = at + 1 + buffer.readInt32BE(at + 1);
    yield {
      type: buffer.readUInt8(at),
      body: buffer.subarray(at + 5, end),
      whole: buffer.subarray(at, end),
    };
    at = end;
  }
}

function badLength(what: string, min: number, max: number, got: number): EngineError {
  return new EngineError(
    '08P01',
    `${what} is ${min} to ${max} bytes long, this one says ${got}: is this a PostgreSQL client?`,
  );
}
