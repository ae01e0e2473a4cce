/**
 * Counts server-sent events in a chunked HTTP body. Chunk framing holds no two line feeds in a
 * row, so the blank line that ends an event (WHATWG HTML §9.2.6) can be counted in the raw bytes.
 */
export class EventReader {
  readonly #text: ((payload: string) => void) | null;
  #afterLineFeed = false;
  #kept = '';
  /** Whole events so far. */
  count = 0;

  /** `text` is called with the data of each event; null when nobody wants it. */
  constructor(text: ((payload: string) => void) | null) {
    this.#text = text;
  }

  /** Takes `bytes` from `at` up to `end`; the bytes may change afterwards. */
  read(bytes: Buffer, at: number, end: number): void {
    if (this.#text !== null) {
      this.#readTexts(bytes.toString('latin1', at, end), this.#text);
      return;
    }
    let start = at;
    if (this.#afterLineFeed && bytes[at] === 10) {
      this.count += 1;
      start += 1;
    }
    const chunk = bytes.subarray(start, end);
    for (
      let found = chunk.indexOf('\n\n');
      found !== -1;
      found = chunk.indexOf('\n\n', found + 2)
    ) {
      this.count += 1;
    }
    this.#afterLineFeed = end > start && bytes[end - 1] === 10 && !endsEvent(chunk);
  }

  #readTexts(chunk: string, text: (payload: string) => void): void {
    const events = (this.#kept + chunk).split('\n\n');
    this.#kept = events.pop() ?? '';
    for (const event of events) {
      this.count += 1;
      text(event.slice(event.indexOf('data: ') + 'data: '.length));
    }
  }
}

function endsEvent(chunk: Buffer): boolean {
  return chunk.length >= 2 && chunk[chunk.length - 2] === 10;
}
