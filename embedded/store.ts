import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { pg_ivm } from '@electric-sql/pglite-pg_ivm';
import { EngineError, type Field } from './engine.ts';
import { FolderLockedError, lockFolder } from './lock.ts';
import { makeFolder } from './make-folder.ts';
import {
  DATA_ROW,
  ERROR_RESPONSE,
  parseError,
  parseFields,
  ROW_DESCRIPTION,
  type TextRow,
  textRow,
  WholeFrames,
} from './store-frames.ts';
import { loadTemplate, saveTemplate } from './store-template.ts';
import { type Frame, splitFrames } from './wire/frames.ts';
import { query } from './wire/request.ts';

/**
 * Write-ahead log and memory are kept small (49 MB instead of 481 per million rows, reopening in
 * 1.2 s instead of 7.9); the stack depth is what keeps deep recursion a clean 54001 in WebAssembly.
 * synchronous_commit stays on: without it a kill loses commits that were acknowledged.
 */
const SETTINGS = [
  'wal_level=minimal',
  'max_wal_senders=0',
  'max_wal_size=64MB',
  'min_wal_size=32MB',
  'shared_buffers=32MB',
  'max_stack_depth=200kB',
  'jit=off',
  'log_checkpoints=off',
];

/** Put in force when a store opens; sessions lay theirs over these, and internal work runs on them. */
export const SESSION_SETTINGS = [
  'SET search_path = public, mz_catalog, viewcast',
  "SET timezone = 'UTC'",
  'SET client_min_messages = warning',
];

export interface StoreOptions {
  /** Made when missing; undefined keeps everything in memory, for tests. */
  readonly folder: string | undefined;
  /** Where a new folder's first content is kept for the next time; undefined makes it anew. */
  readonly templateFolder?: string | undefined;
}

/**
 * PostgreSQL in WebAssembly (PGlite) with pg_ivm in a locked folder. Everything runs synchronously
 * inside a call, on one backend: whoever calls takes turns (`Turns`).
 */
export class Store {
  readonly #database: PGlite;
  readonly #unlock: () => void;
  #closed = false;

  private constructor(database: PGlite, unlock: () => void) {
    this.#database = database;
    this.#unlock = unlock;
  }

  /**
   * Opens or makes the store.
   *
   * @throws {FolderLockedError} when another engine has it open; Error in a clear sentence when the
   *   folder cannot be written.
   */
  static async open(options: StoreOptions): Promise<Store> {
    const { folder, templateFolder } = options;
    const unlock = folder === undefined ? () => {} : lockWritable(folder);
    try {
      const database = await openDatabase(folder && join(folder, 'pgdata'), templateFolder);
      const store = new Store(database, unlock);
      for (const sql of SESSION_SETTINGS) await store.query(sql);
      return store;
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /**
   * Runs framed messages that end with Query or Sync and hands on the backend's answer in whole
   * frames, as it comes.
   */
  async execute(frames: Uint8Array, emit: (frames: Buffer) => void): Promise<void> {
    if (this.#closed) throw new EngineError('57P01', 'the engine is shutting down');
    const whole = new WholeFrames(emit);
    await this.#database.execProtocolRawStream(frames, {
      syncToFs: false,
      onRawData: (data) => whole.push(data),
    });
  }

  /** Runs one or several statements and calls `onFrame` for each frame of the answer.
   *
   * @throws {EngineError} with the backend's code and message.
   */
  async run(sql: string, onFrame: (frame: Frame) => void = () => {}): Promise<void> {
    await this.runFrames(query(sql), onFrame);
  }

  /** As `run`, for messages of the extended protocol. */
  async runFrames(frames: Uint8Array, onFrame: (frame: Frame) => void = () => {}): Promise<void> {
    let error: EngineError | undefined;
    await this.execute(frames, (answer) => {
      for (const frame of splitFrames(answer)) {
        if (frame.type === ERROR_RESPONSE) error ??= parseError(frame.body);
        else onFrame(frame);
      }
    });
    if (error !== undefined) throw error;
  }

  /** The rows of a query, in text. */
  async query(sql: string): Promise<TextRow[]> {
    const rows: TextRow[] = [];
    await this.run(sql, (frame) => {
      if (frame.type === DATA_ROW) rows.push(textRow(frame.body));
    });
    return rows;
  }

  /** The columns of a query's result, without running it to the end. */
  async describe(sql: string): Promise<readonly Field[]> {
    let fields: readonly Field[] = [];
    await this.run(sql, (frame) => {
      if (frame.type === ROW_DESCRIPTION) fields = parseFields(frame.body);
    });
    return fields;
  }

  /** Runs `work` between BEGIN and COMMIT; an error rolls back and goes on. */
  async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.run('BEGIN');
    try {
      const result = await work();
      await this.run('COMMIT');
      return result;
    } catch (error) {
      await this.run('ROLLBACK');
      throw error;
    }
  }

  /** Runs `work` so that its error undoes it alone; only inside `transaction`. */
  async attempt<T>(work: () => Promise<T>): Promise<T | EngineError> {
    await this.run('SAVEPOINT viewcast_attempt');
    try {
      const result = await work();
      await this.run('RELEASE SAVEPOINT viewcast_attempt');
      return result;
    } catch (error) {
      await this.run('ROLLBACK TO SAVEPOINT viewcast_attempt; RELEASE SAVEPOINT viewcast_attempt');
      if (error instanceof EngineError) return error;
      throw error;
    }
  }

  /** Writes everything to the folder and gives the lock back. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    await this.run('CHECKPOINT');
    this.#closed = true;
    await this.#database.close();
    this.#unlock();
  }
}

function lockWritable(folder: string): () => void {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK | constants.X_OK);
    return lockFolder(folder);
  } catch (error) {
    if (error instanceof FolderLockedError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`the store's folder ${folder} must be a folder one can write to (${why})`, {
      cause: error,
    });
  }
}

/** Options go in one object: as a second argument PGlite ignores them without a folder. */
async function openDatabase(
  dataDir: string | undefined,
  templateFolder: string | undefined,
): Promise<PGlite> {
  const isNew = dataDir === undefined || !existsSync(join(dataDir, 'PG_VERSION'));
  const template = isNew ? await loadTemplate(templateFolder) : undefined;
  const database = new PGlite({
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(template === undefined ? {} : { loadDataDir: template }),
    extensions: { pg_ivm },
    relaxedDurability: true,
    postgresqlconf: SETTINGS,
  });
  await database.waitReady;
  if (isNew && template === undefined && templateFolder !== undefined) {
    await saveTemplate(templateFolder, () => database.dumpDataDir('gzip'));
  }
  return database;
}
