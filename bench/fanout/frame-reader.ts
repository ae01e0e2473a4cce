/**
 * Counts WebSocket frames (RFC 6455 §5.2) by their headers alone: a load client must not cost more
 * than the server that it loads. Reads what a server sends: unmasked, in chunks cut anywhere.
 */

/** What a reader tells beside its count. */
export interface FrameListener {
  /** A ping came, which an honest client answers. */
  ping(): void;
  /** A close frame came, with its code and reason (RFC 6455 §5.5.1); 1005 when it has none. */
  closed(code: number, reason: string): void;
  /** The text of a whole data frame; null when nobody wants it, which is what makes it fast. */
  readonly text: ((payload: string) => void) | null;
}

const CLOSE = 0x8;
const PING = 0x9;

/** Only frames with this byte at this place of their payload count; the payload reaches so far. */
export interface Mark {
  readonly at: number;
  readonly byte: number;
}

export class FrameReader {
  readonly #listener: FrameListener;
  readonly #mark: Mark | null;
  /** Payload bytes of the frame at hand that were read. */
  #taken = 0;
  #marked = false;
  readonly #head = Buffer.alloc(10);
  #headBytes = 0;
  #opcode = 0;
  /** Payload bytes of the frame at hand that are still to come. */
  #left = 0;
  #inPayload = false;
  #parts: Buffer[] = [];
  /** Whole data frames so far. */
  count = 0;

  constructor(listener: FrameListener, mark: Mark | null = null) {
    this.#listener = listener;
    this.#mark = mark;
  }

  /** Takes `bytes` from `at` up to `end`; the bytes may change afterwards. */
  read(bytes: Buffer, at: number, end: number): void {
    let now = at;
    while (now < end) {
      if (this.#inPayload) now = this.#payload(bytes, now, end);
      else if (this.#headBytes === 0 && end - now >= 10) now = this.#begin(bytes, now);
      else now = this.#gather(bytes, now);
    }
  }

  /** Where the next byte belongs after those of the payload within the chunk. */
  #payload(bytes: Buffer, at: number, end: number): number {
    const taken = Math.min(this.#left, end - at);
    this.#left -= taken;
    if (this.#mark !== null) this.#lookForMark(this.#mark, bytes, at, taken);
    if ((this.#listener.text !== null || this.#opcode === CLOSE) && taken > 0) {
      this.#parts.push(Buffer.from(bytes.subarray(at, at + taken)));
    }
    if (this.#left === 0) this.#finish();
    return at + taken;
  }

  #lookForMark(mark: Mark, bytes: Buffer, at: number, length: number): void {
    const offset = mark.at - this.#taken;
    if (offset >= 0 && offset < length) this.#marked = bytes[at + offset] === mark.byte;
    this.#taken += length;
  }

  /** Headers that are cut, or may be: byte by byte. */
  #gather(bytes: Buffer, at: number): number {
    this.#head[this.#headBytes] = bytes[at] ?? 0;
    this.#headBytes += 1;
    if (this.#headBytes === headLength(this.#head, this.#headBytes)) this.#begin(this.#head, 0);
    return at + 1;
  }

  /** Reads a header that is whole; where the payload begins. */
  #begin(bytes: Buffer, at: number): number {
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    this.#opcode = (bytes[at] ?? 0) & 0x0f;
    this.#headBytes = 0;
    this.#inPayload = true;
    this.#taken = 0;
    this.#marked = this.#mark === null;
    this.#left = short;
    let head = 2;
    if (short === 126) {
      this.#left = bytes.readUInt16BE(at + 2);
      head = 4;
    } else if (short === 127) {
      this.#left = Number(bytes.readBigUInt64BE(at + 2));
      head = 10;
    }
    if (this.#left === 0) this.#finish();
    return at + head;
  }

  #finish(): void {
    this.#inPayload = false;
    if (this.#opcode === PING) this.#listener.ping();
    else if (this.#opcode === CLOSE) this.#tellClose(Buffer.concat(this.#parts));
    else if (this.#opcode < CLOSE) {
      if (this.#marked) this.count += 1;
      this.#listener.text?.(Buffer.concat(this.#parts).toString());
    }
    this.#parts = [];
  }

  #tellClose(payload: Buffer): void {
    const code = payload.length < 2 ? 1005 : payload.readUInt16BE(0);
    this.#listener.closed(code, payload.subarray(2).toString());
  }
}

/** How long a header is whose first `known` bytes stand in `head`. */
function headLength(head: Buffer, known: number): number {
  if (known < 2) return 2;
  const short = (head[1] ?? 0) & 0x7f;
  return short === 126 ? 4 : short === 127 ? 10 : 2;
}

/** A text frame as a client sends it, masked with zeros. At most 65,535 bytes. */
export function clientFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const head =
    payload.length < 126
      ? [0x81, 0x80 | payload.length]
      : [0x81, 0xfe, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
}

/** An empty pong as a client sends it. */
export const CLIENT_PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);

/** A text frame as a server sends it. At most 65,535 bytes. */
export function serverFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const head =
    payload.length < 126
      ? [0x81, payload.length]
      : [0x81, 126, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from(head), payload]);
}
