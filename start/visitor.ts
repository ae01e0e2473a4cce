import { engineUrl } from './addresses.ts';
import { Child } from './child.ts';
import { withTarget } from './engine-database.ts';
import type { Database } from './hand-made.ts';
import type { Environment } from './named-value.ts';

/** How an engine on another store is started. */
export interface VisitSettings {
  readonly script: string;
  readonly host: string;
  /** Of an engine on the store's folder that takes a free port. */
  environment(folder: string): Environment;
  readonly startLimitMs: number;
}

/** Looks into other stores, one at a time, by an engine that runs for so long. */
export class Visitor {
  readonly #settings: VisitSettings;
  #child: Child | null = null;

  constructor(settings: VisitSettings) {
    this.#settings = settings;
  }

  /**
   * Hands the store in `folder` to `work`, and leaves it when that is done.
   *
   * @throws what `work` throws, or Error when no engine starts on the store.
   */
  async visit<T>(folder: string, work: (database: Database) => Promise<T>): Promise<T> {
    try {
      const port = await this.#start(folder);
      const url = engineUrl(this.#settings.host, port);
      return await withTarget(url, ({ database }) => work(database));
    } finally {
      await this.stop('SIGTERM');
    }
  }

  /** Ends the visit; `work` fails then. Idempotent. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    await this.#child?.stop(signal);
  }

  kill(): void {
    this.#child?.kill();
  }

  #start(folder: string): Promise<number> {
    const { script, startLimitMs, environment } = this.#settings;
    return new Promise((resolve, reject) => {
      const fail = (reason: string) => reject(new Error(reason));
      this.#child = new Child(
        {
          name: 'engine',
          script,
          environment: () => environment(folder),
          startLimitMs,
          silenceLimitMs: null,
        },
        {
          message: (message) => {
            if (message.type === 'ready') resolve(message.port ?? 0);
          },
          log: () => {},
          restarting: () => {},
          gaveUp: fail,
        },
      );
      this.#child.start();
    });
  }
}
