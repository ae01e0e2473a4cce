import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { root } from './viewcast.ts';

const deadlineMs = 50_000;

/** A process of the project, with what it has told so far. */
export class Part {
  /** Over the channel to its parent, oldest first. */
  readonly messages: Readonly<Record<string, unknown>>[] = [];
  /** Its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #errors: string[] = [];
  #waiting: (() => void)[] = [];

  constructor(main: string, env: Readonly<Record<string, string>>) {
    this.#child = fork(join(root, main), {
      env: { ...process.env, VIEWCAST_LOG: 'warn', ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.on('data', (text) => this.#errors.push(String(text)));
    this.#child.on('message', (message: Readonly<Record<string, unknown>>) => {
      this.messages.push(message);
      this.#wake();
    });
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        resolve(code);
        this.#wake();
      });
    });
  }

  /** What it wrote to its standard error. */
  get errors(): string {
    return this.#errors.join('');
  }

  /** Resolves with the first message for which `is` holds. */
  async until(is: (message: Readonly<Record<string, unknown>>) => boolean) {
    const end = Date.now() + deadlineMs;
    while (true) {
      const found = this.messages.find(is);
      if (found !== undefined) return found;
      if (Date.now() > end || this.#child.exitCode !== null) {
        throw new Error(`expected a message, got ${JSON.stringify(this.messages)} ${this.errors}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, end - Date.now());
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Resolves with its exit code, null when the signal ended it. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    this.#child.kill(signal);
    return await this.ended;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
