import { type Engine, EngineError } from '../engine.ts';
import { errorResponse, readyForQuery } from '../wire/backend.ts';
import type { FrontendMessage } from '../wire/frontend.ts';
import { Backend } from './backend.ts';
import { ALREADY_SENT } from './backend-portal.ts';
import { type Context, closePortals } from './context.ts';
import { Extended } from './extended.ts';
import { GONE, IDLE_TOO_LONG } from './gone.ts';
import { Inbox, type Valve } from './inbox.ts';
import { type Line, VERSIONS } from './line.ts';
import { asOlderLine } from './older-line.ts';
import { Outbound, type Sink } from './outbound.ts';
import { INTERRUPTED } from './row-stream.ts';
import { SessionSettings } from './settings.ts';
import { runSimpleQuery } from './simple.ts';

export interface SessionOptions {
  /** How long a transaction may hold the engine between messages, in ms. */
  readonly idleTransactionMs: number;
  /** What it poses as; the newer line by default. */
  readonly line?: Line | undefined;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Told of what should not happen; the client gets XX000. */
  readonly onBug: (error: unknown) => void;
}

/**
 * One client after start-up. It takes one message at a time; whatever goes wrong ends at most this
 * session.
 */
export class Session {
  readonly inbox: Inbox;
  readonly settings: SessionSettings;
  readonly context: Context;
  readonly #options: SessionOptions;
  readonly #extended: Extended;
  #running: AbortController | undefined;

  /** The older line keeps an error of the extended protocol to itself until Sync. */
  #withheld: Uint8Array | null = null;

  constructor(given: Engine, sink: Sink, valve: Valve, options: SessionOptions) {
    const line = options.line ?? 'subscribe';
    const engine = line === 'tail' ? asOlderLine(given) : given;
    this.#options = options;
    this.settings = new SessionSettings(line);
    this.inbox = new Inbox(valve);
    const backend = new Backend(engine, this.settings);
    const now = async () => (backend.holds ? BigInt(options.clock()) : engine.now());
    this.context = {
      engine,
      line,
      settings: this.settings,
      backend,
      inbox: this.inbox,
      out: new Outbound(sink),
      portals: new Map(),
      statements: new Map(),
      functions: {
        version: VERSIONS[line].text,
        versionNumber: VERSIONS[line].number,
        environmentId: engine.identity,
        older: line === 'tail',
        now,
      },
      severalStatements: false,
      signal: new AbortController().signal,
      receive: () => this.inbox.next(backend.holds ? options.idleTransactionMs : undefined),
    };
    this.#extended = new Extended(this.context);
  }

  /** Cancels the running statement, as a CancelRequest asks; nothing when none runs. */
  cancel(): void {
    const message = 'canceling statement due to user request';
    this.#running?.abort(new EngineError('57014', message));
  }

  /** Serves the client until it leaves. Never rejects. */
  async run(): Promise<void> {
    const { out, backend } = this.context;
    try {
      while (await this.#step());
    } catch (error) {
      if (error !== GONE) this.#options.onBug(error);
    } finally {
      closePortals(this.context);
      out.flush();
      await backend.release().catch(this.#options.onBug);
    }
  }

  async #step(): Promise<boolean> {
    const { out } = this.context;
    out.flush();
    const message = await this.context.receive();
    if (message === 'closed' || (message !== 'timeout' && message.type === 'terminate'))
      return false;
    if (message === 'timeout') {
      out.send(errorResponse(IDLE_TOO_LONG, 'FATAL'));
      return false;
    }
    const running = new AbortController();
    this.#running = running;
    this.context.signal = running.signal;
    const stop = this.inbox.watch(interrupter(message, running));
    try {
      await this.#handle(message);
    } finally {
      stop();
      this.#running = undefined;
    }
    return true;
  }

  async #handle(message: FrontendMessage): Promise<void> {
    const { out, backend } = this.context;
    if (message.type === 'query') {
      await this.#guard(async () => {
        await this.#extended.settle();
        await runSimpleQuery(this.context, message.sql);
      });
      out.send(readyForQuery(backend.status));
    } else if (message.type === 'sync') {
      if (this.#withheld !== null) out.send(this.#withheld);
      this.#withheld = null;
      await this.#guard(() => this.#extended.sync());
      out.send(readyForQuery(backend.status));
    } else if (!this.#extended.skipping) {
      const ok = await this.#guard(
        () => this.#extended.handle(message),
        this.context.line === 'tail',
      );
      if (!ok) this.#extended.skipping = true;
    }
  }

  /** Turns what is thrown into an ErrorResponse. False when something was. */
  async #guard(work: () => Promise<void>, withholds = false): Promise<boolean> {
    const { out, backend } = this.context;
    try {
      await work();
      return true;
    } catch (error) {
      if (error === GONE) throw error;
      const settled = await this.#extended.settleQuietly();
      if (error !== ALREADY_SENT && settled) {
        const response = errorResponse(this.#problem(error));
        if (withholds) this.#withheld = response;
        else out.send(response);
      }
      backend.fail();
      return false;
    }
  }

  #problem(error: unknown): EngineError {
    if (error instanceof EngineError) return error;
    this.#options.onBug(error);
    const text = error instanceof Error ? error.message : String(error);
    return new EngineError('XX000', `the engine failed: ${text}`);
  }
}

/**
 * Watches what arrives while a message is handled. Leaving ends any wait. A waiting Execute also ends
 * when its portal is closed, or at a Sync after a Flush: with the Flush the client had said that it
 * waits, so the Sync is a change of mind and not the usual end of a batch.
 */
function interrupter(
  running: FrontendMessage,
  controller: AbortController,
): (arrival: FrontendMessage | 'closed') => void {
  let flushed = false;
  return (arrival) => {
    if (arrival === 'closed' || arrival.type === 'terminate') controller.abort(GONE);
    else if (running.type !== 'execute') return;
    else if (arrival.type === 'flush') flushed = true;
    else if (arrival.type === 'sync' && flushed) controller.abort(INTERRUPTED);
    else if (arrival.type === 'close' && arrival.what === 'P' && arrival.name === running.portal) {
      controller.abort(INTERRUPTED);
    }
  };
}
