import { clientFrame } from './frame-reader.ts';
import type { Viewer } from './viewer.ts';

/** A client acknowledges after so many bytes or so long at the latest (PROTOCOL.md, `ack`). */
const ACK_BYTES = 64 * 1024;
const ACK_MS = 5_000;
/** Late acknowledgements are spread over the time, as those of many clients are. */
const STEPS = 50;

/**
 * Acknowledges for viewers of one channel. Those that only count do not read what they hold: they
 * say what one that reads holds, which is the same but for what is under way.
 */
export class Acknowledger {
  readonly #acknowledged = new Map<Viewer, number>();
  readonly #timer: NodeJS.Timeout;
  #due: Viewer[] = [];
  #perStep = 0;
  #channel = 0;
  #upper = 0;

  constructor() {
    this.#timer = setInterval(() => this.#step(), ACK_MS / STEPS);
    this.#timer.unref();
  }

  /** A viewer that reads was sent this. */
  heard(text: string): void {
    const channel = /"channel":(\d+)/.exec(text)?.[1];
    const upper = /"upper":(\d+)/.exec(text)?.[1];
    if (channel !== undefined) this.#channel = Number(channel);
    if (upper !== undefined) this.#upper = Number(upper);
  }

  /** A viewer read some bytes. */
  moved(viewer: Viewer): void {
    const before = this.#acknowledged.get(viewer);
    if (before === undefined) this.#acknowledged.set(viewer, 0);
    if (viewer.bytes - (before ?? 0) >= ACK_BYTES) this.#acknowledge(viewer);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Some of those who read something since they last said so. */
  #step(): void {
    if (this.#due.length === 0) {
      this.#due = [...this.#acknowledged.keys()];
      this.#perStep = Math.ceil(this.#due.length / STEPS);
    }
    for (const viewer of this.#due.splice(-this.#perStep)) {
      if (viewer.bytes > (this.#acknowledged.get(viewer) ?? 0)) this.#acknowledge(viewer);
    }
  }

  #acknowledge(viewer: Viewer): void {
    this.#acknowledged.set(viewer, viewer.bytes);
    const [channel, upper] = [this.#channel, this.#upper];
    viewer.send(clientFrame(JSON.stringify({ type: 'ack', channel, upper })));
  }
}
