import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** For tests: the engine as a process of its own, on a free port and a store that is thrown away. */
export class EngineProcess {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: string;

  constructor(child: ChildProcess, port: number, folder: string) {
    this.#child = child;
    this.port = port;
    this.#folder = folder;
  }

  /** @throws when it ends or stays silent instead of saying that it is ready. */
  static async start(): Promise<EngineProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'viewcast-engine-'));
    const child = fork(fileURLToPath(new URL('main.ts', import.meta.url)), {
      env: {
        ...process.env,
        VIEWCAST_STORE: join(folder, 'store'),
        VIEWCAST_SQL_PORT: '0',
        VIEWCAST_LOG: 'warn',
      },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const port = await new Promise<number>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the engine ended with ${code} at its start`)));
      child.on('message', (message: { type?: unknown; port?: unknown }) => {
        if (message.type === 'ready' && typeof message.port === 'number') resolve(message.port);
      });
    });
    return new EngineProcess(child, port, folder);
  }

  /** A connection string with a password that nobody asks for. */
  get url(): string {
    return `postgres://materialize@127.0.0.1:${this.port}/materialize`;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.exitCode === null) {
      this.#child.kill('SIGINT');
      await exited;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
