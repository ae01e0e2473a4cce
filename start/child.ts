import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type LogLine, readLogLine } from './child-log.ts';
import { type ChildMessage, parseChildMessage } from './child-message.ts';
import type { Environment } from './named-value.ts';
import { planRestart } from './restarts.ts';

/** One of the three processes below the supervisor. */
export interface ChildSettings {
  readonly name: string;
  /** The script, absolute. */
  readonly script: string;
  /** Asked at each start, so that a restart may differ. */
  environment(): Environment;
  /** How long it may take to say `ready`. */
  readonly startLimitMs: number;
  /** How long a ready one may be silent before it is killed; null when it sends no heartbeat. */
  readonly silenceLimitMs: number | null;
}

/** What the supervisor hears of a child. None is called after `stop`. */
export interface ChildListener {
  message(message: ChildMessage): void;
  log(line: LogLine): void;
  /** It ended by itself and starts again now. */
  restarting(reason: string): void;
  /** It ended by itself too often, or refused its settings; it stays down. */
  gaveUp(reason: string): void;
}

/** Exit code of a process that refuses its settings: starting it again cannot help. */
const BAD_SETTINGS = 2;
/** How long a process may take to end before it is killed. */
export const STOP_LIMIT_MS = 3_000;

/**
 * A process that is kept running from `start` to `stop`: it is restarted when it ends or falls
 * silent. One that said `done` and then ends with code 0 has finished its work.
 */
export class Child {
  readonly #settings: ChildSettings;
  readonly #listener: ChildListener;
  #process: ChildProcess | null = null;
  #wanted = false;
  #finished = false;
  #quickDeaths = 0;
  #readyAt: number | null = null;
  #lastError: string | null = null;
  #restartTimer: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(settings: ChildSettings, listener: ChildListener) {
    this.#settings = settings;
    this.#listener = listener;
  }

  /** Of the running process; undefined between two of them. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  start(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#quickDeaths = 0;
    this.#launch();
  }

  /** Ends it, by force after `limitMs`. Resolves when no process is left. Idempotent. */
  async stop(signal: NodeJS.Signals, limitMs = STOP_LIMIT_MS): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#restartTimer);
    clearTimeout(this.#deadline);
    const running = this.#process;
    if (running === null) return;
    const ended = new Promise<void>((resolve) => running.once('close', () => resolve()));
    running.kill(signal);
    const force = setTimeout(() => running.kill('SIGKILL'), limitMs);
    await ended;
    clearTimeout(force);
  }

  /** Ends it at once, without waiting. */
  kill(): void {
    this.#wanted = false;
    clearTimeout(this.#restartTimer);
    clearTimeout(this.#deadline);
    this.#process?.kill('SIGKILL');
  }

  #launch(): void {
    const { script, startLimitMs } = this.#settings;
    const child = fork(script, [], {
      env: { ...this.#settings.environment() },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.#process = child;
    this.#finished = false;
    this.#readyAt = null;
    this.#lastError = null;
    this.#expectWithin(startLimitMs, `did not start within ${startLimitMs / 1000} s`);
    child.on('message', (value) => this.#heard(parseChildMessage(value)));
    child.on('error', (error) => {
      this.#lastError = error.message;
      if (child.pid === undefined) this.#ended(child, 'could not be started', null);
    });
    // `close` comes after the last line of stderr, which tells why; `exit` may come before.
    child.on('close', (code, signal) => this.#ended(child, describeEnd(code, signal), code));
    if (child.stderr !== null) {
      createInterface({ input: child.stderr }).on('line', (line) => this.#logged(line));
    }
  }

  #heard(message: ChildMessage | null): void {
    if (!this.#wanted || message === null) return;
    if (message.type === 'ready') this.#readyAt = Date.now();
    if (message.type === 'done') this.#finished = true;
    const { silenceLimitMs } = this.#settings;
    if (this.#readyAt !== null) {
      clearTimeout(this.#deadline);
      if (silenceLimitMs !== null) {
        this.#expectWithin(silenceLimitMs, `gave no sign of life for ${silenceLimitMs / 1000} s`);
      }
    }
    this.#listener.message(message);
  }

  #logged(line: string): void {
    const read = readLogLine(line);
    if (read.level === 'error' && read.text !== '') this.#lastError = read.text;
    if (this.#wanted) this.#listener.log(read);
  }

  #expectWithin(limitMs: number, otherwise: string): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => {
      this.#lastError = otherwise;
      this.#process?.kill('SIGKILL');
    }, limitMs);
  }

  #ended(child: ChildProcess, how: string, code: number | null): void {
    if (this.#process !== child) return;
    clearTimeout(this.#deadline);
    this.#process = null;
    if (!this.#wanted) return;
    if (this.#finished && code === 0) {
      this.#wanted = false;
      return;
    }
    const reason = this.#lastError ?? how;
    const readyForMs = this.#readyAt === null ? null : Date.now() - this.#readyAt;
    const plan = planRestart(readyForMs, this.#quickDeaths);
    if (plan.kind === 'give-up' || code === BAD_SETTINGS) {
      this.#wanted = false;
      this.#listener.gaveUp(reason);
      return;
    }
    this.#quickDeaths = plan.quickDeaths;
    // Told when it is done: a Ctrl-C may reach the children before it reaches this process.
    this.#restartTimer = setTimeout(() => {
      this.#listener.restarting(reason);
      this.#launch();
    }, plan.afterMs);
  }
}

function describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
}
