/**
 * Runs the three processes and keeps them running:
 *
 *   engine ready → sql/ applied → ingest
 *                              └→ page built → server → every view served → addresses
 *
 * With Kafka, topics and schemas are put in place before sql/ is applied, and the ingest writes to
 * the topic that the engine reads.
 *
 * The engine starts on the store of the likely input while the input is still being decided.
 * Switching to another input stops the ingest, starts the engine again on that input's store and
 * goes the upper row again; the server stays, and its viewers get one snapshot of the new epoch.
 */
import { pageUrl } from './addresses.ts';
import { EngineContents } from './engine-contents.ts';
import type { Placement } from './environments.ts';
import type { InputChoice } from './input-choice.ts';
import { messageOf } from './message-of.ts';
import type { Environment } from './named-value.ts';
import type { Options } from './options.ts';
import { Processes } from './processes.ts';
import { untilServing } from './readiness.ts';
import type { Terminal } from './terminal.ts';

/** What the supervisor is given. */
export interface SupervisorSettings {
  readonly root: string;
  readonly options: Options;
  readonly environment: Environment;
  readonly terminal: Terminal;
  /** Resolves when the page is built or cannot be. */
  readonly pageBuilt: Promise<void>;
  /** What shall feed the views, where that is not known from the start. */
  readonly decided: Promise<InputChoice>;
  /** The page can be opened and SQL be asked; told once. */
  started(addresses: {
    readonly port: number;
    readonly sqlPort: number;
    readonly input: InputChoice;
  }): void;
  /** It cannot go on; the caller stops it and exits. */
  failed(reason: string): void;
}

/** The three processes of one `npm start`, in order. */
export class Supervisor {
  readonly #settings: SupervisorSettings;
  readonly #processes: Processes;
  readonly #contents: EngineContents;
  #input: InputChoice;
  #sqlPort: number;
  #port: number;
  #state: 'new' | 'running' | 'stopping' = 'new';
  #shown = false;
  #decided = false;
  /** Turns that touch the engine's relations or its store come one after the other. */
  #turns: Promise<void> = Promise.resolve();
  #unwatch: (() => void) | null = null;

  /** `likely` names the store to begin with. */
  constructor(settings: SupervisorSettings, likely: InputChoice) {
    const { terminal, options } = settings;
    this.#settings = settings;
    this.#input = likely;
    this.#sqlPort = options.sqlPort;
    this.#port = options.port;
    const place = (): Placement => this.#place();
    this.#processes = new Processes(place, terminal, {
      engineReady: (port) => this.#engineReady(port),
      serverReady: (port) => void this.#serverReady(port),
      failed: (reason) => settings.failed(reason),
    });
    this.#contents = new EngineContents({
      place,
      terminal,
      visit: (folder, work) => this.#processes.visitor.visit(folder, work),
      isNews: () => this.#shown,
      again: () => this.#applySql(),
    });
  }

  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'running';
    this.#processes.engine.start();
    this.#unwatch = this.#contents.watch(() => this.#applySql());
  }

  /** Feeds the views from another input, in that input's store. */
  switchTo(input: InputChoice): void {
    this.#turn(async () => {
      await this.#processes.ingest.stop('SIGTERM');
      await this.#restartEngine(input);
    });
  }

  /** Ends all processes. Resolves when none is left. Idempotent. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#state = 'stopping';
    this.#unwatch?.();
    this.#unwatch = null;
    await this.#processes.stop(signal, this.#settings.options.drainMs);
  }

  /** Ends all processes at once. */
  kill(): void {
    this.#state = 'stopping';
    this.#processes.kill();
  }

  #place(): Placement {
    const { root, options, environment: base } = this.#settings;
    const [input, sqlPort, port] = [this.#input, this.#sqlPort, this.#port];
    return { base, root, options, input, sqlPort, port };
  }

  #turn(work: () => Promise<void>): void {
    this.#turns = this.#turns
      .then(() => (this.#state === 'running' ? work() : undefined))
      .catch((error: unknown) => this.#settings.failed(messageOf(error)));
  }

  #applySql(): void {
    this.#turn(() => this.#contents.applySql());
  }

  #engineReady(port: number | undefined): void {
    this.#sqlPort = port ?? this.#sqlPort;
    this.#turn(async () => {
      if (await this.#startOnDecided()) return;
      await this.#contents.applySql();
      if (this.#state !== 'running') return;
      await this.#contents.bringMessages();
      if (this.#state !== 'running') return;
      this.#processes.ingest.start();
      void this.#settings.pageBuilt.then(() => {
        if (this.#state === 'running') this.#processes.server.start();
      });
    });
  }

  /** Returns whether the engine had to be started again on another store than the likely one. */
  async #startOnDecided(): Promise<boolean> {
    if (this.#decided) return false;
    this.#decided = true;
    const input = await this.#settings.decided;
    if (input.kind === this.#input.kind) return false;
    await this.#restartEngine(input);
    return true;
  }

  async #restartEngine(input: InputChoice): Promise<void> {
    await this.#processes.engine.stop('SIGTERM');
    if (this.#state !== 'running') return;
    this.#input = input;
    this.#processes.engine.start();
  }

  async #serverReady(port: number | undefined): Promise<void> {
    this.#port = port ?? this.#port;
    const { options, terminal, started } = this.#settings;
    const serving = await untilServing(pageUrl(options.host, this.#port));
    if (this.#shown || this.#state !== 'running') return;
    this.#shown = true;
    if (!serving) terminal.problem('some views are not served yet: see /readyz of the page');
    started({ port: this.#port, sqlPort: this.#sqlPort, input: this.#input });
  }
}
