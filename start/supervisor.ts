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
import { join } from 'node:path';
import { readKafkaLogin } from '../kafka/login.ts';
import { engineUrl, pageUrl } from './addresses.ts';
import { Child, type ChildListener, STOP_LIMIT_MS } from './child.ts';
import type { ChildMessage } from './child-message.ts';
import { applySqlFolder, withTarget } from './engine-database.ts';
import {
  engineEnvironment,
  ingestEnvironment,
  type Placement,
  serverEnvironment,
} from './environments.ts';
import { setUpKafka } from './kafka-setup.ts';
import { MessageStores } from './message-stores.ts';
import type { Environment, InputChoice, Options } from './options.ts';
import { untilServing } from './readiness.ts';
import { listMessageTables, type SqlFolders, watchSql } from './sql-folder.ts';
import { storeFolder, storeName } from './stores.ts';
import type { Terminal } from './terminal.ts';
import { Visitor } from './visitor.ts';

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

const START_LIMIT_MS = 60_000;
/** Without a heartbeat for as long, an engine or a server hangs (each second is due). */
const SILENCE_LIMIT_MS = 30_000;
const KAFKA_RETRY_MS = 2_000;

/** The three processes of one `npm start`. */
export class Supervisor {
  readonly #settings: SupervisorSettings;
  readonly #engine: Child;
  readonly #ingest: Child;
  readonly #server: Child;
  readonly #visitor: Visitor;
  readonly #messages: MessageStores;
  #input: InputChoice;
  #sqlPort: number;
  #port: number;
  #state: 'new' | 'running' | 'stopping' = 'new';
  #shown = false;
  #decided = false;
  #kafkaReady = false;
  /** Turns that touch the engine's relations or its store come one after the other. */
  #turns: Promise<void> = Promise.resolve();
  #unwatch: (() => void) | null = null;

  /** `likely` names the store to begin with. */
  constructor(settings: SupervisorSettings, likely: InputChoice) {
    this.#settings = settings;
    this.#input = likely;
    this.#sqlPort = settings.options.sqlPort;
    this.#port = settings.options.port;
    this.#engine = this.#child('engine', 'embedded', SILENCE_LIMIT_MS, (place) =>
      engineEnvironment(
        place,
        storeFolder(settings.options.data, this.#input, settings.options.kafka),
      ),
    );
    this.#ingest = this.#child('ingest', 'stream-ingest', null, (place) =>
      ingestEnvironment(place, this.#input),
    );
    this.#server = this.#child('server', 'server', SILENCE_LIMIT_MS, serverEnvironment);
    this.#visitor = new Visitor({
      script: join(settings.root, 'embedded', 'main.ts'),
      host: settings.options.host,
      environment: (folder) => engineEnvironment({ ...this.#place(), sqlPort: 0 }, folder),
      startLimitMs: START_LIMIT_MS,
    });
    this.#messages = new MessageStores(
      settings.options.data,
      () => listMessageTables(this.#sqlFolders()),
      (folder, work) => this.#visitor.visit(folder, work),
    );
  }

  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'running';
    this.#engine.start();
    this.#unwatch = watchSql(
      this.#sqlFolder(),
      () => this.#turn(() => this.#applySql()),
      (reason) =>
        this.#settings.terminal.problem(`changes in sql/ are seen at the next start: ${reason}`),
    );
  }

  /** Feeds the views from another input, in that input's store. */
  switchTo(input: InputChoice): void {
    this.#turn(async () => {
      await this.#ingest.stop('SIGTERM');
      await this.#engine.stop('SIGTERM');
      if (this.#state !== 'running') return;
      this.#input = input;
      this.#engine.start();
    });
  }

  /**
   * Ends all processes. Resolves when none is left. Idempotent. On SIGTERM the server goes first:
   * it sends its viewers away over a while, and they see changes until then.
   */
  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#state = 'stopping';
    this.#unwatch?.();
    this.#unwatch = null;
    if (signal === 'SIGTERM')
      await this.#server.stop(signal, this.#settings.options.drainMs + STOP_LIMIT_MS);
    await Promise.all(this.#children().map((child) => child.stop(signal)));
  }

  /** Ends all processes at once. */
  kill(): void {
    this.#state = 'stopping';
    for (const child of this.#children()) child.kill();
  }

  #children(): readonly (Child | Visitor)[] {
    return [this.#ingest, this.#server, this.#visitor, this.#engine];
  }

  #turn(work: () => Promise<void>): void {
    this.#turns = this.#turns
      .then(() => (this.#state === 'running' ? work() : undefined))
      .catch((error: unknown) => this.#settings.failed(messageOf(error)));
  }

  #child(
    name: string,
    folder: string,
    silenceLimitMs: number | null,
    environment: (place: Placement) => Environment,
  ): Child {
    const { root } = this.#settings;
    return new Child(
      {
        name,
        script: join(root, folder, 'main.ts'),
        environment: () => environment(this.#place()),
        startLimitMs: START_LIMIT_MS,
        silenceLimitMs,
      },
      this.#listen(name),
    );
  }

  #place(): Placement {
    const { root, options, environment: base } = this.#settings;
    return { base, root, options, sqlPort: this.#sqlPort, port: this.#port };
  }

  #listen(name: string): ChildListener {
    const { terminal, failed } = this.#settings;
    return {
      message: (message) => this.#heard(name, message),
      log: ({ level, text }) => {
        if (level !== 'info') terminal.repeatedProblem(`${name}: ${text}`);
      },
      restarting: (reason) => terminal.problem(`${name}: ${reason}; starting it again`),
      gaveUp: (reason) => failed(`the ${name} cannot go on: ${reason}`),
    };
  }

  #heard(name: string, message: ChildMessage): void {
    const { terminal } = this.#settings;
    switch (message.type) {
      case 'ready':
        if (name === 'engine') this.#engineReady(message.port);
        if (name === 'server') void this.#serverReady(message.port);
        return;
      case 'progress':
        if (typeof message.total === 'number') terminal.progress(message.done, message.total);
        return;
      case 'done':
        terminal.news('the recording is at its end; what it held stays to be looked at');
        return;
      case 'input':
      case 'heartbeat':
        return;
    }
  }

  #engineReady(port: number | undefined): void {
    this.#sqlPort = port ?? this.#sqlPort;
    this.#turn(async () => {
      if (await this.#startOnDecided()) return;
      await this.#applySql();
      await this.#bringMessages();
      if (this.#state !== 'running') return;
      this.#ingest.start();
      void this.#settings.pageBuilt.then(() => {
        if (this.#state === 'running') this.#server.start();
      });
    });
  }

  /** Returns whether the engine had to be started again on another store than the likely one. */
  async #startOnDecided(): Promise<boolean> {
    if (this.#decided) return false;
    this.#decided = true;
    const input = await this.#settings.decided;
    if (input.kind === this.#input.kind) return false;
    this.#input = input;
    await this.#engine.stop('SIGTERM');
    if (this.#state === 'running') this.#engine.start();
    return true;
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

  #schemaFolder(): string {
    return join(this.#settings.root, 'avro_schemas');
  }

  #sqlFolder(): string {
    return this.#settings.options.sql ?? join(this.#settings.root, 'sql');
  }

  #sqlFolders(): SqlFolders {
    return { sql: this.#sqlFolder(), schemas: this.#schemaFolder() };
  }

  /** What people sent stays in sight when another input is shown. In Kafka it does by itself. */
  async #bringMessages(): Promise<void> {
    const { options, terminal } = this.#settings;
    if (options.kafka !== null || this.#state !== 'running') return;
    const url = engineUrl(options.host, this.#sqlPort);
    try {
      const came = await withTarget(url, ({ database }) =>
        this.#messages.enter(storeName(this.#input, null), database, (store, error) =>
          terminal.problem(
            `the messages of ${join(options.data, store)} are not shown; the next start tries again: ${messageOf(error)}`,
          ),
        ),
      );
      if (came > 0) terminal.news(`${came} messages that were sent before came along`);
    } catch (error) {
      terminal.problem(`messages that were sent before are not shown: ${messageOf(error)}`);
    }
  }

  /** Returns whether topics and schemas are in place; when not, it is tried again by itself. */
  async #setUpKafka(): Promise<boolean> {
    const { terminal, options } = this.#settings;
    if (options.kafka === null || this.#kafkaReady) return true;
    try {
      const login = readKafkaLogin(this.#settings.environment);
      if (typeof login === 'string') throw new Error(login);
      await setUpKafka(options.kafka, this.#schemaFolder(), login);
      this.#kafkaReady = true;
      return true;
    } catch (error) {
      terminal.repeatedProblem(`waiting for Kafka and its registry: ${messageOf(error)}`);
      setTimeout(() => this.#turn(() => this.#applySql()), KAFKA_RETRY_MS);
      return false;
    }
  }

  async #applySql(): Promise<void> {
    const { options, terminal } = this.#settings;
    if (!(await this.#setUpKafka())) return;
    const url = engineUrl(options.host, this.#sqlPort);
    const ledger = `${storeFolder(options.data, this.#input, options.kafka)}.sql.json`;
    try {
      const { created, replaced, dropped, problems } = await applySqlFolder(
        this.#sqlFolders(),
        options.kafka === null ? { kind: 'embedded' } : { kind: 'kafka', ...options.kafka },
        url,
        ledger,
      );
      for (const problem of problems) terminal.problem(problem);
      if (!this.#shown) return;
      const told = [
        ...created.map((name) => `${name} is new`),
        ...replaced.map((name) => `${name} has changed`),
        ...dropped.map((name) => `${name} is gone`),
      ];
      if (told.length > 0) terminal.news(`sql/: ${told.join(', ')}`);
    } catch (error) {
      // An engine that is away is started again, and then this is done again.
      terminal.problem(`sql/ could not be applied: ${messageOf(error)}`);
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
