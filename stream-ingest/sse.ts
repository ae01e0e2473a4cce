import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** Characters; Wikimedia's events are about 1,100, its producers' limit is 4 MiB. */
const longestEvent = 4 * 1024 * 1024;

/**
 * Server-sent events out of bytes cut anywhere (WHATWG HTML §9.2). An event is delivered only when
 * its blank line has come; one beyond 4 Mi characters is skipped and reported.
 */
export class SseDecoder {
  readonly #text = new TextDecoder();
  readonly #onOversized: () => void;
  #events: EventSourceMessage[] = [];
  #oversized = false;
  readonly #parser = createParser({
    maxBufferSize: longestEvent,
    onEvent: (event) => this.#events.push(event),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') this.#oversized = true;
    },
  });

  constructor(onOversized: () => void) {
    this.#onOversized = onOversized;
  }

  /** Returns the events that these bytes complete. */
  push(bytes: Uint8Array): readonly EventSourceMessage[] {
    return this.#feed(this.#text.decode(bytes, { stream: true }));
  }

  /** At the end of a file: the last event even where its blank line is missing, perhaps torn. */
  end(): readonly EventSourceMessage[] {
    return this.#feed(`${this.#text.decode()}\n\n`);
  }

  #feed(text: string): readonly EventSourceMessage[] {
    this.#parser.feed(text);
    if (this.#oversized) {
      // The rest of the event then reads as an unknown field and is ignored.
      this.#parser.reset();
      this.#oversized = false;
      this.#onOversized();
    }
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
