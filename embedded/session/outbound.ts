/** Where a session's bytes go; a socket fulfils it. */
export interface Sink {
  write(bytes: Uint8Array): void;
  /** Resolves when the peer has taken enough to go on, or is gone. */
  drained(): Promise<void>;
}

const WRITE_AT_BYTES = 64 * 1024;

/** Gathers frames, so that what belongs together leaves in one write. */
export class Outbound {
  readonly #sink: Sink;
  #frames: Uint8Array[] = [];
  #bytes = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  send(...frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      this.#frames.push(frame);
      this.#bytes += frame.byteLength;
    }
    if (this.#bytes >= WRITE_AT_BYTES) this.flush();
  }

  /** Hands everything gathered to the socket, without waiting for the peer. */
  flush(): void {
    if (this.#bytes === 0) return;
    const [first] = this.#frames;
    const single = this.#frames.length === 1 && first !== undefined;
    this.#sink.write(single ? first : Buffer.concat(this.#frames));
    this.#frames = [];
    this.#bytes = 0;
  }

  /** Flushes and waits for a slow peer; rejects with the signal's reason when it aborts before. */
  async drained(signal: AbortSignal): Promise<void> {
    this.flush();
    signal.throwIfAborted();
    let stop = (): void => {};
    const aborted = new Promise<void>((resolve) => {
      stop = resolve;
      signal.addEventListener('abort', stop, { once: true });
    });
    await Promise.race([this.#sink.drained(), aborted]);
    signal.removeEventListener('abort', stop);
    signal.throwIfAborted();
  }
}
