import type { Logger } from 'pino';
import type { InputKind, InputState } from './arrival.ts';
import type { Health } from './health.ts';
import type { LiveNotice } from './live.ts';
import { progressLine } from './progress-line.ts';
import type { SinkNotice } from './sink.ts';

/** What stream-ingest tells the process that started it, over the IPC channel. */
export type IngestMessage =
  | { readonly type: 'ready' }
  | {
      readonly type: 'input';
      readonly kind: InputKind;
      readonly label: string;
      readonly state: InputState;
    }
  /** Of a replay: events stored, and events in the recording. */
  | { readonly type: 'progress'; readonly done: number; readonly total: number }
  /** A replay has come to its end, and all of it is stored. */
  | { readonly type: 'done' };

export interface ReportOptions {
  readonly kind: InputKind;
  readonly label: string;
  /** Where changes go, in words: the engine, or Kafka. */
  readonly output: string;
  readonly log: Logger;
  /** Null where nobody asks how it goes. */
  readonly health: Health | null;
  /** Null without a parent process. */
  readonly send: ((message: IngestMessage) => void) | null;
  /** Where to draw a progress bar; null where there is no terminal. */
  readonly terminal: NodeJS.WriteStream | null;
  readonly now: () => number;
}

const progressEveryMs = 250;

/** 1, 10, 100 … */
function isMilestone(count: number): boolean {
  return /^10*$/.test(String(count));
}

/** Tells the log, the parent process and the terminal how it goes. */
export class Report {
  readonly #options: ReportOptions;
  #lastProgressMs = 0;
  #malformed = 0;
  #rejected = 0;

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  send(message: IngestMessage): void {
    if (message.type === 'ready') this.#options.health?.opened();
    if (message.type === 'input') this.#options.health?.input(message.state);
    this.#options.send?.(message);
  }

  state(state: InputState): void {
    const { kind, label, log } = this.#options;
    log.info({ kind, label, state }, `the ${kind} input is ${state}`);
    this.send({ type: 'input', kind, label, state });
  }

  live(notice: LiveNotice): void {
    const { log } = this.#options;
    switch (notice.kind) {
      case 'state':
        this.state(notice.state);
        return;
      case 'waiting':
        log.debug(`connecting again in ${Math.round(notice.delayMs)} ms: ${notice.reason}`);
        return;
      case 'gap':
        log.warn(
          `changes from ${new Date(notice.fromMs).toISOString()} to ` +
            `${new Date(notice.toMs).toISOString()} are missing: the stream no longer has them`,
        );
        return;
      case 'oversized':
        log.warn('skipped an event of more than 4 Mi characters');
        return;
    }
  }

  sink(notice: SinkNotice): void {
    const { log, output, health } = this.#options;
    switch (notice.kind) {
      case 'away':
        health?.away(notice.reason);
        log.warn(`waiting for ${output}: ${notice.reason}`);
        return;
      case 'back':
        health?.away(null);
        log.info(`${output} is back`);
        return;
      case 'rejected':
        this.#rejected += 1;
        if (!isMilestone(this.#rejected)) return;
        log.error(
          `${output} does not take the change ${notice.metaId}: ${notice.reason} (${this.#rejected} such changes so far)`,
        );
        return;
    }
  }

  /** Told at 1, 10, 100 … as a broken source would fill the log. */
  malformed(reason: string): void {
    this.#malformed += 1;
    if (isMilestone(this.#malformed)) {
      this.#options.log.warn(`skipped ${this.#malformed} malformed events: ${reason}`);
    }
  }

  deadLettersFailed(error: unknown): void {
    this.#options.log.error(`cannot write the file of dead letters: ${String(error)}`);
  }

  /** At most four times a second, and always at the end. */
  progress(done: number, total: number): void {
    const { now, terminal } = this.#options;
    const last = done >= total;
    if (!last && now() - this.#lastProgressMs < progressEveryMs) return;
    this.#lastProgressMs = now();
    this.send({ type: 'progress', done, total });
    terminal?.write(`\r${progressLine(done, total, terminal.columns)}${last ? '\n' : ''}`);
  }
}
