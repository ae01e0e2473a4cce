import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';

export interface JavaOptions {
  readonly name: string;
  /** After the JVM's own flags: `-cp …`, `-D…`, the main class or `-jar`. */
  readonly args: readonly string[];
  readonly heapMb: number;
  readonly cwd: string;
  readonly logFile: string;
  /** Where the classes of this program are archived to start faster. */
  readonly archive: string;
}

/** Of the log, in an error. */
const lastLines = 15;

/**
 * A Java program that ends with this process, whatever ends it: a shell that waits for the end of a
 * pipe from us kills it then.
 */
export class JavaProcess {
  readonly #child: ChildProcess;
  readonly #guard: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(options: JavaOptions, more: readonly string[]) {
    const log = openSync(options.logFile, 'a');
    try {
      this.#child = spawn(
        'java',
        [
          `-Xmx${options.heapMb}m`,
          '-Xms64m',
          '-XX:TieredStopAtLevel=1',
          '-XX:+UseSerialGC',
          '-Xshare:auto',
          '-Xlog:disable',
          '-Xlog:all=error:stderr',
          ...more,
          ...options.args,
        ],
        { cwd: options.cwd, stdio: ['ignore', log, log], detached: true },
      );
    } finally {
      closeSync(log);
    }
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', () => resolve());
      this.#child.once('exit', () => resolve());
    });
    this.#guard = spawn(
      'sh',
      ['-c', 'cat >/dev/null; kill -9 "$0" 2>/dev/null', String(this.pid)],
      {
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
      },
    );
    this.#child.unref();
    this.#guard.unref();
    void this.#ended.then(() => this.#guard.kill('SIGKILL'));
  }

  /** Starts it; `isUp` is asked until it says yes. @throws with the end of the log when it does not. */
  static async start(
    options: JavaOptions,
    isUp: () => Promise<boolean>,
    more: readonly string[] = archiveFlags(options),
    limitMs = 60_000,
  ): Promise<JavaProcess> {
    const program = new JavaProcess(options, more);
    const deadline = Date.now() + limitMs;
    while (!(await isUp().catch(() => false))) {
      if (program.running && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        continue;
      }
      const why = program.running ? `not up within ${limitMs / 1_000} s` : 'it ended at its start';
      await program.kill();
      throw new Error(`${options.name}: ${why}\n${endOf(options.logFile)}`);
    }
    return program;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.pid !== 0;
  }

  /** As a crash or a power cut ends it. */
  async kill(): Promise<void> {
    if (this.running) this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** In order; by force after 20 s. */
  async stop(): Promise<void> {
    if (!this.running) return;
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 20_000);
    this.#child.kill('SIGTERM');
    await this.#ended;
    clearTimeout(force);
  }
}

function archiveFlags({ archive }: JavaOptions): readonly string[] {
  return existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : [];
}

/** Runs a program once to archive its classes: it starts in a third of the time from then on. */
export async function archiveClasses(
  options: JavaOptions,
  isUp: () => Promise<boolean>,
): Promise<void> {
  if (existsSync(options.archive)) return;
  const own = `${options.archive}.${process.pid}`;
  try {
    const program = await JavaProcess.start(options, isUp, [`-XX:ArchiveClassesAtExit=${own}`]);
    await program.stop();
    if (existsSync(own)) await rename(own, options.archive);
  } finally {
    await rm(own, { force: true });
  }
}

function endOf(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lastLines).join('\n');
}
