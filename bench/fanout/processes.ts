import { type ChildProcess, fork } from 'node:child_process';
import type { Access } from './candidates/candidate.ts';
import type { CandidateName } from './candidates/names.ts';
import type {
  Answer,
  Counts,
  LoadCommand,
  ServerAnswers,
  ServerCommand,
  ServerReady,
} from './messages.ts';

/** Beyond this something hangs: an answer that waits for deliveries takes seconds. */
const ANSWER_MS = 120_000;

/** A child process that answers one question at a time. */
class Child {
  readonly #process: ChildProcess;
  readonly #name: string;

  constructor(file: string, args: readonly string[]) {
    this.#name = [file, ...args].join(' ');
    this.#process = fork(new URL(file, import.meta.url), args, {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** What the process says next. */
  async answer<T>(): Promise<T> {
    const signal = AbortSignal.timeout(ANSWER_MS);
    return await new Promise<T>((resolve, reject) => {
      const settle = (end: () => void) => {
        this.#process.off('message', heard);
        this.#process.off('exit', gone);
        signal.removeEventListener('abort', late);
        end();
      };
      const heard = (answer: Answer<T>) =>
        settle(() => ('ok' in answer ? resolve(answer.ok) : reject(this.#failed(answer.error))));
      const gone = (code: number | null) =>
        settle(() => reject(this.#failed(`it ended with ${code}`)));
      const late = () => settle(() => reject(this.#failed(`no answer in ${ANSWER_MS / 1_000} s`)));
      this.#process.on('message', heard);
      this.#process.on('exit', gone);
      signal.addEventListener('abort', late);
    });
  }

  async ask<T>(command: ServerCommand | LoadCommand): Promise<T> {
    const answer = this.answer<T>();
    this.#process.send(command);
    return await answer;
  }

  /** Ends the process and waits for it. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => this.#process.once('exit', () => resolve()));
    if (this.#process.connected) this.#process.disconnect();
    const fuse = setTimeout(() => this.#process.kill('SIGKILL'), 5_000);
    await gone;
    clearTimeout(fuse);
  }

  #failed(why: string): Error {
    return new Error(`${this.#name}: ${why}`);
  }
}

/** A process that serves candidates. */
export class ServerProcess {
  readonly #child: Child;
  readonly accesses: readonly Access[];

  private constructor(child: Child, accesses: readonly Access[]) {
    this.#child = child;
    this.accesses = accesses;
  }

  static async start(candidates: readonly CandidateName[]): Promise<ServerProcess> {
    const child = new Child('./server-process.ts', candidates);
    const { accesses } = await child.answer<ServerReady>();
    return new ServerProcess(child, accesses);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** How the candidate of that index is reached. */
  access(candidate: number): Access {
    const access = this.accesses[candidate];
    if (access === undefined) throw new Error(`there is no candidate ${candidate}`);
    return access;
  }

  ask<Command extends ServerCommand>(command: Command): Promise<ServerAnswers[Command['do']]> {
    return this.#child.ask(command);
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }
}

/** A process that holds viewers. */
export class LoadProcess {
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
  }

  static async start(): Promise<LoadProcess> {
    const child = new Child('./load-process.ts', []);
    await child.answer<null>();
    return new LoadProcess(child);
  }

  ask(command: LoadCommand): Promise<Counts> {
    return this.#child.ask(command);
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }
}
