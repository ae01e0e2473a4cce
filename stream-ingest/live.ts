import type { Arrival, Clock, InputState } from './arrival.ts';
import { type Ending, openEventStream } from './event-stream.ts';
import { gapMs, rewind, timeOf } from './resume-point.ts';
import { retryDelayMs } from './retry.ts';

/** What happens besides events; for the badge, the log and the counts. */
export type LiveNotice =
  | { readonly kind: 'state'; readonly state: InputState }
  | { readonly kind: 'waiting'; readonly reason: string; readonly delayMs: number }
  /** Changes between these times (ms) were not delivered and will not be. */
  | { readonly kind: 'gap'; readonly fromMs: number; readonly toMs: number }
  | { readonly kind: 'oversized' };

export interface LiveOptions {
  readonly url: string;
  readonly userAgent: string;
  /** The `id` of the last stored event; null to begin now. */
  readonly position: string | null;
  readonly clock: Clock;
  /** From 0 to below 1; for the jitter. */
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly onNotice: (notice: LiveNotice) => void;
  /** Default 30 s. */
  readonly silenceMs?: number;
  /** Default 10 s. */
  readonly connectMs?: number;
}

/** Longer than this without a connection is worth telling viewers about. */
const unnoticedMs = 3_000;

/** Refusals that waiting a second does not cure: the agent's contact, or the address. */
const stubbornDelayMs = 60_000;

/**
 * Wikimedia's EventStreams for as long as the signal allows: reconnects by itself, after ordinary
 * cuts at once and unnoticed. Events may come twice and carry positions that step back; dropping
 * doubles by `meta.id` is the consumer's part. Source: https://wikitech.wikimedia.org/wiki/
 * Event_Platform/EventStreams_HTTP_Service.
 */
export async function* readLive(options: LiveOptions): AsyncGenerator<Arrival, void, undefined> {
  const session = new LiveSession(options);
  while (!options.signal.aborted) {
    const ending = yield* session.connect();
    if (options.signal.aborted) return;
    const delayMs = session.afterwards(ending);
    await options.clock.sleep(delayMs, options.signal);
  }
}

/** What is remembered from one connection to the next. */
class LiveSession {
  readonly #options: LiveOptions;
  #position: string | null;
  #newestMs: number | null;
  #failures = 0;
  #state: InputState | null = null;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#position = options.position;
    this.#newestMs = options.position === null ? null : timeOf(options.position);
  }

  async *connect(): AsyncGenerator<Arrival, Ending, undefined> {
    const { url, userAgent, clock, signal, onNotice } = this.#options;
    const stream = openEventStream({
      url,
      userAgent,
      lastEventId: this.#position === null ? null : rewind(this.#position),
      connectMs: this.#options.connectMs ?? 10_000,
      silenceMs: this.#options.silenceMs ?? 30_000,
      signal,
      now: () => clock.now(),
      onOpen: () => this.#tell('connected'),
      onOversized: () => onNotice({ kind: 'oversized' }),
    });
    let first = true;
    try {
      while (true) {
        const next = await stream.next();
        if (next.done) return next.value;
        this.#failures = 0;
        this.#position = next.value.id ?? this.#position;
        this.#watchForGap(first);
        first = false;
        if (this.#position !== null) yield { json: next.value.data, position: this.#position };
      }
    } finally {
      await stream.return({ kind: 'cut', reason: 'no longer wanted' });
    }
  }

  /** Decides how long to wait before the next connection, and tells. */
  afterwards(ending: Ending): number {
    const { random, onNotice } = this.#options;
    const retryAfterMs = ending.kind === 'refused' ? ending.retryAfterMs : null;
    let delayMs = retryDelayMs(this.#failures, retryAfterMs, random);
    if (ending.kind === 'refused') delayMs = this.#afterRefusal(ending.status, delayMs);
    this.#failures += 1;
    if (ending.kind !== 'cut' || delayMs > unnoticedMs) this.#tell('reconnecting');
    onNotice({ kind: 'waiting', reason: ending.reason, delayMs });
    return delayMs;
  }

  #afterRefusal(status: number, delayMs: number): number {
    if ((status === 400 || status === 404) && this.#position !== null) {
      // The position itself is refused, perhaps too old: go on from now rather than never.
      this.#position = null;
      return delayMs;
    }
    return status >= 400 && status < 500 && status !== 429
      ? Math.max(stubbornDelayMs, delayMs)
      : delayMs;
  }

  /** After a rewind the first event must be one we know; a newer one means others were missed. */
  #watchForGap(first: boolean): void {
    const newestMs = this.#newestMs;
    const atMs = this.#position === null ? null : timeOf(this.#position);
    if (atMs === null) return;
    if (first && newestMs !== null && atMs > newestMs + gapMs) {
      this.#options.onNotice({ kind: 'gap', fromMs: newestMs, toMs: atMs });
    }
    this.#newestMs = Math.max(newestMs ?? 0, atMs);
  }

  #tell(state: InputState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onNotice({ kind: 'state', state });
  }
}
