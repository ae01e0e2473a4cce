import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root. */
export const root = fileURLToPath(new URL('..', import.meta.url));
const script = join(root, 'start', 'main.ts');

/** The process ids of a running instance's parts; a part between two lives is missing. */
export type Parts = Readonly<Partial<Record<'engine' | 'ingest' | 'server', number>>>;

const FOLDERS: Readonly<Record<string, keyof Parts>> = {
  embedded: 'engine',
  'stream-ingest': 'ingest',
  server: 'server',
};

/** How an instance ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A real `npm start` on free ports of 127.0.0.1. */
export class Viewcast {
  readonly #process: ChildProcess;
  readonly #ended: Promise<Ended>;
  #output = '';
  port = 0;
  sqlPort = 0;

  constructor(options: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#process = fork(script, options, {
      cwd: root,
      env: { ...withoutSettings(process.env), ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A process group of its own, as a terminal would give it.
      detached: true,
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
      });
    }
    this.#ended = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => resolve({ code, signal }));
    });
  }

  /** All it has printed. */
  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get page(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get sqlUrl(): string {
    return `postgres://materialize@127.0.0.1:${this.sqlPort}/materialize`;
  }

  get ended(): Promise<Ended> {
    return this.#ended;
  }

  /** Resolves when page and SQL can be reached. @throws when it ends before. */
  async ready(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#process.on('message', (message) => {
        const { port, sqlPort } = readReady(message);
        this.port = port;
        this.sqlPort = sqlPort;
        resolve();
      });
      void this.#ended.then(({ code }) =>
        reject(new Error(`it ended with ${code} before it was ready:\n${this.#output}`)),
      );
    });
  }

  parts(): Parts {
    return partsOf(this.pid);
  }

  /** Sends a signal to the supervisor alone, or to all as Ctrl-C in a terminal does. */
  signal(signal: NodeJS.Signals, to: 'supervisor' | 'group' = 'supervisor'): void {
    process.kill(to === 'group' ? -this.pid : this.pid, signal);
  }

  /** Ends it, by force where needed, and what it leaves behind. */
  async stop(): Promise<Ended> {
    const left = this.parts();
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.signal('SIGINT');
      const force = setTimeout(() => this.#process.kill('SIGKILL'), 10_000);
      await this.#ended;
      clearTimeout(force);
    }
    for (const pid of Object.values(left)) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
    return await this.#ended;
  }
}

/** Settings of whoever runs the tests are not for the instances under test. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith('VIEWCAST_')),
  );
}

function readReady(message: unknown): { readonly port: number; readonly sqlPort: number } {
  if (typeof message === 'object' && message !== null && 'port' in message) {
    const { port } = message;
    const sqlPort = 'sqlPort' in message ? message.sqlPort : undefined;
    if (typeof port === 'number' && typeof sqlPort === 'number') return { port, sqlPort };
  }
  throw new Error(`expected the ports, got ${JSON.stringify(message)}`);
}

function partsOf(supervisor: number): Parts {
  const parts: Partial<Record<keyof Parts, number>> = {};
  const list = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  for (const line of list.split('\n')) {
    const [, pid, parent, folder] =
      /^\s*(\d+)\s+(\d+)\s+[^Z\s]\S*\s.*\/([\w-]+)\/main\.ts/.exec(line) ?? [];
    const name = FOLDERS[folder ?? ''];
    if (Number(parent) === supervisor && name !== undefined) parts[name] = Number(pid);
  }
  return parts;
}

/** Whether a process exists, zombies left out. */
export function isRunning(pid: number): boolean {
  try {
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
    return state.trim() !== '' && !state.trim().startsWith('Z');
  } catch {
    return false;
  }
}

/** Polls until `condition` gives something other than null or false. @throws after `limitMs`. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  limitMs = 45_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const found = await condition();
    if (found) return found as NonNullable<Exclude<T, false>>;
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A folder of its own below the system's temporary one, and its removal. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'viewcast-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** The rows of a view over REST; none while the view or the server is away. */
export async function fetchRows(viewcast: Viewcast, view: string): Promise<readonly unknown[][]> {
  const response = await fetch(`${viewcast.page}/api/views/${view}`).catch(() => null);
  if (!response?.ok) return [];
  const { rows } = (await response.json()) as { rows: unknown[][] };
  return rows;
}

/** The count that the view `counter` shows over REST; 0 while it has none. */
export async function fetchCount(viewcast: Viewcast): Promise<number> {
  return Number((await fetchRows(viewcast, 'counter'))[0]?.[0] ?? 0);
}
