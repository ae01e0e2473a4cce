import { join } from 'node:path';
import { readKafkaLogin } from '../kafka/login.ts';
import { engineUrl } from './addresses.ts';
import type { Applied } from './apply.ts';
import { applySqlFolder, withTarget } from './engine-database.ts';
import type { Placement } from './environments.ts';
import { setUpKafka } from './kafka-setup.ts';
import { messageOf } from './message-of.ts';
import { MessageStores, type Visit } from './message-stores.ts';
import { listMessageTables, type SqlFolders, watchSql } from './sql-folder.ts';
import { storeFolder, storeName } from './stores.ts';
import type { Terminal } from './terminal.ts';

/** What the contents are given. */
export interface ContentsSettings {
  /** Where the engine is now, and on which input's store. */
  readonly place: () => Placement;
  readonly terminal: Terminal;
  /** Looks into other stores. */
  readonly visit: Visit;
  /** Whether what `sql/` changes is news: at first all of it is new. */
  readonly isNews: () => boolean;
  /** Wants `applySql` to be called again. */
  readonly again: () => void;
}

const KAFKA_RETRY_MS = 2_000;

/**
 * What stands in the engine's store besides the changes themselves: the relations of `sql/`, with
 * Kafka's topics and schemas that they read from, and the messages of people. What cannot be done
 * is told at the terminal; nothing here throws.
 */
export class EngineContents {
  readonly #settings: ContentsSettings;
  readonly #folders: SqlFolders;
  readonly #messages: MessageStores;
  #kafkaReady = false;

  constructor(settings: ContentsSettings) {
    const { root, options } = settings.place();
    this.#settings = settings;
    this.#folders = {
      sql: options.sql ?? join(root, 'sql'),
      schemas: join(root, 'avro_schemas'),
    };
    this.#messages = new MessageStores(
      options.data,
      () => listMessageTables(this.#folders),
      settings.visit,
    );
  }

  /** Calls `changed` when `sql/` is written to. Returns the end of it. */
  watch(changed: () => void): () => void {
    return watchSql(this.#folders.sql, changed, (reason) =>
      this.#settings.terminal.problem(`changes in sql/ are seen at the next start: ${reason}`),
    );
  }

  /** Brings the engine's relations to `sql/`. While Kafka is away it is only put off for a while. */
  async applySql(): Promise<void> {
    const { place, terminal, isNews, again } = this.#settings;
    if (!(await this.#setUpKafka())) {
      setTimeout(again, KAFKA_RETRY_MS);
      return;
    }
    const { options, sqlPort, input } = place();
    const ledger = `${storeFolder(options.data, input, options.kafka)}.sql.json`;
    try {
      const applied = await applySqlFolder(
        this.#folders,
        options.kafka === null ? { kind: 'embedded' } : { kind: 'kafka', ...options.kafka },
        engineUrl(options.host, sqlPort),
        ledger,
      );
      for (const problem of applied.problems) terminal.problem(problem);
      const changes = describeChanges(applied);
      if (isNews() && changes.length > 0) terminal.news(`sql/: ${changes.join(', ')}`);
    } catch (error) {
      // An engine that is away is started again, and then this is done again.
      terminal.problem(`sql/ could not be applied: ${messageOf(error)}`);
    }
  }

  /** What people sent stays in sight when another input is shown. In Kafka it does by itself. */
  async bringMessages(): Promise<void> {
    const { place, terminal } = this.#settings;
    const { options, sqlPort, input } = place();
    if (options.kafka !== null) return;
    try {
      const came = await withTarget(engineUrl(options.host, sqlPort), ({ database }) =>
        this.#messages.enter(storeName(input, null), database, (store, error) =>
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

  /** Returns whether topics and schemas are in place. */
  async #setUpKafka(): Promise<boolean> {
    const { options, base: environment } = this.#settings.place();
    if (options.kafka === null || this.#kafkaReady) return true;
    try {
      const login = readKafkaLogin(environment);
      if (typeof login === 'string') throw new Error(login);
      await setUpKafka(options.kafka, this.#folders.schemas, login);
      this.#kafkaReady = true;
      return true;
    } catch (error) {
      const { terminal } = this.#settings;
      terminal.repeatedProblem(`waiting for Kafka and its registry: ${messageOf(error)}`);
      return false;
    }
  }
}

function describeChanges({ created, replaced, dropped }: Applied): readonly string[] {
  return [
    ...created.map((name) => `${name} is new`),
    ...replaced.map((name) => `${name} has changed`),
    ...dropped.map((name) => `${name} is gone`),
  ];
}
