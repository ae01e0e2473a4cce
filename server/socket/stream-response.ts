import type { HttpResponse } from '../uws.ts';

/** Bytes handed to the library at once, so that what it holds for a slow reader stays small. */
const PART_BYTES = 64 * 1024;

/**
 * The sending side of a streamed HTTP response, in order and with backpressure.
 *
 * uWebSockets calls onWritable instead of draining its own buffer, which goes on with the next
 * write only; and it aborts a response ten seconds after a write that filled the socket. So a
 * blocked response is probed with a single byte: the next one owed, or between two messages the
 * filler, which readers skip (a space before a JSON line, an empty comment in an event stream).
 */
export class StreamResponse {
  readonly #response: HttpResponse;
  readonly #filler: Uint8Array;
  readonly #onDrained: () => void;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #inFlightBytes = 0;
  #blocked = false;
  #closed = false;

  /** The response must be begun: status and headers written. */
  constructor(response: HttpResponse, filler: Uint8Array, onDrained: () => void) {
    this.#response = response;
    this.#filler = filler;
    this.#onDrained = onDrained;
    response.onWritable(() => {
      this.#probe();
      return true;
    });
  }

  /** What was sent and has not left the process, within {@link PART_BYTES}. */
  get bufferedBytes(): number {
    return this.#queuedBytes + this.#inFlightBytes;
  }

  send(bytes: Uint8Array): void {
    if (this.#closed) return;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.byteLength;
    if (!this.#blocked) this.#response.cork(() => this.#flush());
  }

  /** To be called every few seconds: keeps a blocked response from being aborted. */
  keepAlive(): void {
    if (this.#blocked) this.#probe();
  }

  /** Ends the response; cut short when the reader is behind, so that nothing is kept for it. */
  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.bufferedBytes > 0) this.#response.close();
    else this.#response.cork(() => this.#response.end());
  }

  /** The connection is gone: nothing may touch the response any more. */
  aborted(): void {
    this.#closed = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#inFlightBytes = 0;
  }

  #probe(): void {
    if (this.#closed) return;
    const before = this.bufferedBytes;
    this.#response.cork(() => {
      const byte = this.#take(1) ?? this.#filler;
      this.#write(byte);
      this.#flush();
    });
    if (this.bufferedBytes < before) this.#onDrained();
  }

  #flush(): void {
    while (!this.#blocked) {
      const part = this.#take(PART_BYTES);
      if (part === null) return;
      this.#write(part);
    }
  }

  /** A small write in a cork fails unseen: the next one tells, or onWritable. */
  #write(bytes: Uint8Array): void {
    this.#blocked = !this.#response.write(bytes);
    this.#inFlightBytes = this.#blocked ? this.#inFlightBytes + bytes.byteLength : 0;
  }

  /** Takes at most `most` bytes off the queue; null when it is empty. */
  #take(most: number): Uint8Array | null {
    const first = this.#queue[0];
    if (first === undefined) return null;
    const part = first.subarray(0, most);
    if (part.byteLength === first.byteLength) this.#queue.shift();
    else this.#queue[0] = first.subarray(most);
    this.#queuedBytes -= part.byteLength;
    return part;
  }
}
