import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The push server as a process of its own, on a free port of 127.0.0.1. */
export class ServerProcess {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /**
   * Starts a server in front of `upstream`, and waits until every view has its rows.
   *
   * @throws when it ends or does not become ready.
   */
  static async start(
    upstream: string,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ServerProcess> {
    const child = fork(fileURLToPath(new URL('../server/main.ts', import.meta.url)), {
      env: {
        ...process.env,
        VIEWCAST_PORT: '0',
        VIEWCAST_UPSTREAM: upstream,
        VIEWCAST_VIEWS: '*',
        VIEWCAST_LOG: 'error',
        ...environment,
      },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const port = await new Promise<number>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the server ended with ${code} at its start`)));
      child.on('message', (message: { type?: unknown; port?: unknown }) => {
        if (message.type === 'ready' && typeof message.port === 'number') resolve(message.port);
      });
    });
    const server = new ServerProcess(child, port);
    await server.#hydrated();
    return server;
  }

  get http(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Whether the process runs. */
  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends it; resolves when it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (!this.running) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill(signal);
    await exited;
  }

  async #hydrated(limitMs = 50_000): Promise<void> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const response = await fetch(`${this.http}/readyz`);
      const text = await response.text();
      if (response.ok) return;
      if (Date.now() > deadline) throw new Error(`not ready after ${limitMs} ms: ${text}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
