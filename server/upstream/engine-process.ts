/** The engine as a process of its own, for tests. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { z } from 'zod';

const MAIN = new URL('../../embedded/main.ts', import.meta.url);
const readySchema = z.object({ type: z.literal('ready'), port: z.number() });
const READY_MS = 50_000;

export class EngineProcess {
  readonly #folder: string;
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | null = null;
  #port = 0;

  private constructor(folder: string, environment: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.#environment = environment;
  }

  /** Starts an engine on a store of its own and a free port. */
  static async start(environment: Readonly<Record<string, string>> = {}): Promise<EngineProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'viewcast-engine-'));
    const engine = new EngineProcess(folder, environment);
    await engine.restart();
    return engine;
  }

  get url(): string {
    return `postgres://materialize@127.0.0.1:${this.#port}/materialize`;
  }

  /** Starts it again on the same store and port. */
  async restart(): Promise<void> {
    const child = fork(MAIN, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: {
        ...process.env,
        VIEWCAST_STORE: join(this.#folder, 'store'),
        VIEWCAST_SQL_PORT: String(this.#port),
        VIEWCAST_LOG: 'warn',
        ...this.#environment,
      },
    });
    this.#child = child;
    this.#port = await readyPort(child);
  }

  /** Ends it as a power cut would; resolves when it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await exited;
  }

  /** Holds it still, and lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Runs statements one after the other and gives the rows of the last, as texts. */
  async sql(...statements: readonly string[]): Promise<readonly (readonly (string | null)[])[]> {
    const client = new pg.Client({
      connectionString: this.url,
      types: { getTypeParser: () => (text: string) => text },
    });
    await client.connect();
    try {
      let rows: (string | null)[][] = [];
      for (const text of statements) {
        const result = await client.query<(string | null)[]>({ text, rowMode: 'array' });
        rows = result.rows;
      }
      return rows;
    } finally {
      await client.end();
    }
  }
}

function readyPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the engine was not ready within ${READY_MS} ms`));
    }, READY_MS);
    child.on('message', (message) => {
      const ready = readySchema.safeParse(message);
      if (!ready.success) return;
      clearTimeout(timer);
      resolve(ready.data.port);
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`the engine ended before it was ready (${signal ?? code})`));
    });
  });
}
