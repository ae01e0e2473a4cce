import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = join(import.meta.dirname, '..', '..');
const READY_MS = 90_000;
const KEPT_LINES = 60;

/** A process that stands still cannot see its parent go: nothing is left to itself. */
const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** Log lines of pino's levels error and fatal. */
const MISTAKE = /^\{"level":[56]0,/;

/** Called when a process ends without having been told to, or says that it has a bug. */
type Died = (what: string) => void;

/** One of the project's processes, forked as start/ does it, and killed as it pleases. */
class Process {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #isWanted = true;

  constructor(name: string, script: string, env: Readonly<Record<string, string>>, died: Died) {
    this.#name = name;
    this.#child = fork(join(ROOT, script), [], {
      cwd: ROOT,
      env: { ...process.env, VIEWCAST_LOG: 'info', ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    children.add(this.#child);
    if (this.#child.stderr !== null) {
      createInterface({ input: this.#child.stderr }).on('line', (line) => {
        if (MISTAKE.test(line)) died(`${name} logged a mistake of its own: ${line}`);
        this.#lines.push(line);
        if (this.#lines.length > KEPT_LINES) this.#lines.shift();
      });
    }
    this.#child.once('close', (code, signal) => {
      children.delete(this.#child);
      if (this.#isWanted) died(`${name} ended by itself (${signal ?? code}):\n${this.lastLines()}`);
    });
  }

  /** The port it listens on, once it says that it is ready. */
  ready(): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`${this.#name} was not ready within ${READY_MS} ms`));
      }, READY_MS);
      this.#child.on('message', (message: { type?: unknown; port?: unknown }) => {
        if (message.type !== 'ready' || typeof message.port !== 'number') return;
        clearTimeout(timer);
        resolve(message.port);
      });
      this.#child.once('close', (code, signal) => {
        clearTimeout(timer);
        const why = `${this.#name} ended before it was ready (${signal ?? code})`;
        reject(new Error(`${why}:\n${this.lastLines()}`));
      });
    });
  }

  /** What it logged last. */
  lastLines(): string {
    return this.#lines.join('\n');
  }

  /** Holds it still, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /** Ends it as a power cut would; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#isWanted = false;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }
}

/** A process and where it listens. */
export interface Running {
  readonly process: Process;
  readonly port: number;
}

export async function startEngine(store: string, died: Died): Promise<Running> {
  const env = { VIEWCAST_HOST: '127.0.0.1', VIEWCAST_SQL_PORT: '0', VIEWCAST_STORE: store };
  return started(new Process('the engine', 'embedded/main.ts', env, died));
}

export async function startServer(name: string, upstream: number, died: Died): Promise<Running> {
  const env = {
    VIEWCAST_HOST: '127.0.0.1',
    VIEWCAST_PORT: '0',
    VIEWCAST_UPSTREAM: engineUrl(upstream),
    VIEWCAST_VIEWS: '*',
  };
  return started(new Process(name, 'server/main.ts', env, died));
}

export function engineUrl(port: number): string {
  return `postgres://materialize@127.0.0.1:${port}/materialize`;
}

async function started(process: Process): Promise<Running> {
  try {
    return { process, port: await process.ready() };
  } catch (error) {
    await process.kill();
    throw error;
  }
}
