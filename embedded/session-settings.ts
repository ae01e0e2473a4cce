import { EngineError, type Settings } from './engine.ts';
import { quoteText } from './lexer.ts';
import { SESSION_SETTINGS, type Store } from './store.ts';

/** Lays a session's settings over the engine's own, for the turn that is to come. */
export class SessionSettings {
  readonly #store: Store;
  #applied = '[]';

  constructor(store: Store) {
    this.#store = store;
  }

  /** Costs nothing while the same settings stay in force. Inside a turn, outside transactions. */
  async apply(settings: Settings): Promise<void> {
    const wanted = JSON.stringify([...settings]);
    if (wanted === this.#applied) return;
    this.#applied = wanted;
    await this.#store.run(['RESET ALL', ...SESSION_SETTINGS].join('; '));
    for (const [name, value] of settings) await this.#set(name, value);
  }

  /** A name that only Materialize knows, such as `cluster`, means nothing here. */
  async #set(name: string, value: string): Promise<void> {
    try {
      await this.#store.run(`SELECT set_config(${quoteText(name)}, ${quoteText(value)}, false)`);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
    }
  }
}
