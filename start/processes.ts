import { join } from 'node:path';
import { Child, type ChildListener, STOP_LIMIT_MS } from './child.ts';
import type { ChildMessage } from './child-message.ts';
import {
  engineEnvironment,
  ingestEnvironment,
  type Placement,
  serverEnvironment,
} from './environments.ts';
import type { Environment } from './named-value.ts';
import { storeFolder } from './stores.ts';
import type { Terminal } from './terminal.ts';
import { Visitor } from './visitor.ts';

/** What is heard of the processes. */
export interface ProcessesListener {
  /** Also after each restart. `port` is the one it listens on, where it says so. */
  engineReady(port: number | undefined): void;
  serverReady(port: number | undefined): void;
  /** One of them stays down. */
  failed(reason: string): void;
}

const START_LIMIT_MS = 60_000;
/** Without a heartbeat for as long, an engine or a server hangs (each second is due). */
const SILENCE_LIMIT_MS = 30_000;

/**
 * The three processes of one `npm start`, and the engine that visits other stores. Each is kept
 * running from its start to its stop; what people want to know of them goes to the terminal.
 */
export class Processes {
  readonly engine: Child;
  readonly ingest: Child;
  readonly server: Child;
  readonly visitor: Visitor;

  /** `place` is asked at each start of one of them. */
  constructor(place: () => Placement, terminal: Terminal, listener: ProcessesListener) {
    const { root, options } = place();
    const make = (
      name: string,
      folder: string,
      silenceLimitMs: number | null,
      environment: (place: Placement) => Environment,
    ): Child =>
      new Child(
        {
          name,
          script: join(root, folder, 'main.ts'),
          environment: () => environment(place()),
          startLimitMs: START_LIMIT_MS,
          silenceLimitMs,
        },
        listenTo(name, terminal, listener),
      );
    this.engine = make('engine', 'embedded', SILENCE_LIMIT_MS, (now) =>
      engineEnvironment(now, storeFolder(options.data, now.input, options.kafka)),
    );
    this.ingest = make('ingest', 'stream-ingest', null, ingestEnvironment);
    this.server = make('server', 'server', SILENCE_LIMIT_MS, serverEnvironment);
    this.visitor = new Visitor({
      script: join(root, 'embedded', 'main.ts'),
      host: options.host,
      environment: (folder) => engineEnvironment({ ...place(), sqlPort: 0 }, folder),
      startLimitMs: START_LIMIT_MS,
    });
  }

  /**
   * Ends all. Resolves when none is left. Idempotent. On SIGTERM the server goes first: it sends
   * its viewers away over `drainMs`, and they see changes until then.
   */
  async stop(signal: NodeJS.Signals, drainMs: number): Promise<void> {
    if (signal === 'SIGTERM') await this.server.stop(signal, drainMs + STOP_LIMIT_MS);
    await Promise.all(this.#all().map((one) => one.stop(signal)));
  }

  /** Ends all at once. */
  kill(): void {
    for (const one of this.#all()) one.kill();
  }

  #all(): readonly (Child | Visitor)[] {
    return [this.ingest, this.server, this.visitor, this.engine];
  }
}

function listenTo(name: string, terminal: Terminal, listener: ProcessesListener): ChildListener {
  return {
    message: (message) => hear(name, message, terminal, listener),
    log: ({ level, text }) => {
      if (level !== 'info') terminal.repeatedProblem(`${name}: ${text}`);
    },
    restarting: (reason) => terminal.problem(`${name}: ${reason}; starting it again`),
    gaveUp: (reason) => listener.failed(`the ${name} cannot go on: ${reason}`),
  };
}

function hear(
  name: string,
  message: ChildMessage,
  terminal: Terminal,
  listener: ProcessesListener,
): void {
  switch (message.type) {
    case 'ready':
      if (name === 'engine') listener.engineReady(message.port);
      if (name === 'server') listener.serverReady(message.port);
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
