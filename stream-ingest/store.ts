import type { Clock, InputKind, InputState } from './arrival.ts';
import type { ItemBatch } from './batcher.ts';
import type { Sink, SinkNotice, Stored } from './sink.ts';
import {
  insertChanges,
  newestIds,
  selectPosition,
  upsertPosition,
  upsertState,
} from './statements.ts';
import { isPassing, isRowFault, messageOf, QueryError, StoreError } from './store-error.ts';

/** One session with the engine. */
export interface Connection {
  /** @throws {QueryError} for a failed statement; anything else means that the session is lost. */
  query(
    text: string,
    values?: readonly unknown[],
  ): Promise<readonly Readonly<Record<string, unknown>>[]>;
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly connect: () => Promise<Connection>;
  readonly kind: InputKind;
  /** For people, such as a recording's day; may be empty. */
  readonly label: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly onNotice: (notice: SinkNotice) => void;
  /** How long `open` waits for the engine and its tables. Default 30 s. */
  readonly openMs?: number;
}

function column(row: Readonly<Record<string, unknown>> | undefined, name: string): string | null {
  const value = row?.[name];
  return typeof value === 'string' ? value : null;
}

/**
 * Stores changes in the engine with the position they reach, in one transaction: after a crash at
 * any moment the position says exactly what is stored, and what is sent again finds its id taken.
 * Losing the engine only makes writing wait; it stays with the store it was opened on. A store that
 * comes back with less than it had acknowledged (power loss, a backup) is refused, as going on would
 * leave a hole: opened anew, the input reads again from where the store stands.
 */
export class Store implements Sink {
  readonly #options: StoreOptions;
  #connection: Connection | null = null;
  #identity: string | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #away = false;
  #state: InputState | null = null;
  /** That of the last acknowledged commit, as the store must have it; undefined before `open`. */
  #position: string | null | undefined;
  /** That of a commit whose acknowledgement has not come: the store may have it. */
  #unconfirmed: string | null = null;

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  /**
   * Connects and reads what the store holds.
   *
   * @throws {StoreError} when the engine or its tables are not there in time, or when the store
   * belongs to another kind of input or another recording.
   */
  async open(): Promise<Stored> {
    const { clock, openMs = 30_000 } = this.#options;
    const deadline = clock.now() + openMs;
    return await this.#inTurn(() =>
      this.#withRetry((session) => this.#readStored(session), deadline),
    );
  }

  /** Resolves when the batch is committed. @throws {StoreError}, or the signal's reason. */
  async write(batch: ItemBatch): Promise<void> {
    await this.#inTurn(() => this.#writeOrSplit(batch));
  }

  /** Stores how the input stands; of several waiting states only the last is written. */
  async tell(state: InputState): Promise<void> {
    this.#state = state;
    const { kind, label, clock } = this.#options;
    await this.#inTurn(async () => {
      if (this.#state === null) return;
      const since = new Date(clock.now()).toISOString();
      const values = [kind, label, this.#state, since];
      this.#state = null;
      await this.#withRetry((session) => session.query(upsertState, values));
    });
  }

  /** Ends the session; idempotent. */
  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    await connection?.close();
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => {});
    return await mine;
  }

  async #readStored(session: Connection): Promise<Stored> {
    const { kind, label } = this.#options;
    const [state] = await session.query('SELECT kind, label FROM input_state');
    const storedKind = column(state, 'kind');
    const storedLabel = column(state, 'label');
    if (storedKind !== null && (storedKind !== kind || storedLabel !== label)) {
      throw new StoreError(
        `the engine's store holds ${storedKind} changes ${storedLabel ?? ''}`.trimEnd() +
          `, and this input is ${kind} ${label}`.trimEnd() +
          ': start the engine on a store of its own for it (VIEWCAST_STORE)',
      );
    }
    const position = await this.#readPosition(session);
    const ids = await session.query(newestIds);
    this.#position = position;
    return {
      position,
      newestIds: ids.flatMap((row) => column(row, 'meta_id') ?? []).reverse(),
    };
  }

  async #readPosition(session: Connection): Promise<string | null> {
    const [row] = await session.query(selectPosition, [this.#options.kind]);
    return column(row, 'position');
  }

  async #writeOrSplit(batch: ItemBatch): Promise<void> {
    try {
      await this.#withRetry((session) => this.#commit(session, batch));
    } catch (error) {
      const [only] = batch;
      if (!isRowFault(error) || only === undefined) throw error;
      if (batch.length > 1) {
        const middle = Math.ceil(batch.length / 2);
        await this.#writeOrSplit(batch.slice(0, middle));
        await this.#writeOrSplit(batch.slice(middle));
        return;
      }
      const metaId = only.change?.meta_id ?? '';
      this.#options.onNotice({ kind: 'rejected', metaId, reason: messageOf(error) });
      const positionOnly = [{ change: null, position: only.position }];
      await this.#withRetry((session) => this.#commit(session, positionOnly));
    }
  }

  async #commit(session: Connection, batch: ItemBatch): Promise<void> {
    const changes = batch.flatMap((item) => item.change ?? []);
    const position = batch.at(-1)?.position ?? null;
    await session.query('BEGIN');
    try {
      if (changes.length > 0) {
        await session.query(insertChanges, [JSON.stringify(changes), this.#options.clock.now()]);
      }
      await session.query(upsertPosition, [this.#options.kind, position]);
      this.#unconfirmed = position;
      await session.query('COMMIT');
    } catch (error) {
      if (error instanceof QueryError) await session.query('ROLLBACK');
      throw error;
    }
    this.#position = position;
  }

  /** Repeats `work`, on a new session each time, until it succeeds or can never do so. */
  async #withRetry<T>(
    work: (session: Connection) => Promise<T>,
    deadline = Number.POSITIVE_INFINITY,
  ): Promise<T> {
    const { clock, random, signal, onNotice } = this.#options;
    for (let failures = 0; ; failures += 1) {
      signal.throwIfAborted();
      try {
        const result = await work(await this.#session());
        if (this.#away) onNotice({ kind: 'back' });
        this.#away = false;
        return result;
      } catch (error) {
        await this.#giveUpOrForget(error, deadline);
        if (!this.#away) onNotice({ kind: 'away', reason: messageOf(error) });
        this.#away = true;
        await clock.sleep(random() * Math.min(2_000, 100 * 2 ** Math.min(failures, 10)), signal);
      }
    }
  }

  async #giveUpOrForget(error: unknown, deadline: number): Promise<void> {
    const opening = deadline !== Number.POSITIVE_INFINITY;
    const missing = error instanceof QueryError && /^42/.test(error.sqlState);
    const expired = this.#options.clock.now() >= deadline;
    if (isRowFault(error) || error instanceof StoreError) throw error;
    if (expired || !(isPassing(error) || (missing && opening))) {
      const hint = missing ? 'are the tables of sql/sources there?' : 'does the engine run?';
      throw new StoreError(`cannot use the engine: ${messageOf(error)}; ${hint}`, { cause: error });
    }
    // A session that cannot even be closed is as good as closed.
    await this.close().catch(() => {});
  }

  async #session(): Promise<Connection> {
    if (this.#connection !== null) return this.#connection;
    const connection = await this.#options.connect();
    try {
      await this.#recognise(connection);
    } catch (error) {
      await connection.close();
      throw error;
    }
    this.#connection = connection;
    return connection;
  }

  async #recognise(connection: Connection): Promise<void> {
    const [row] = await connection.query('SELECT mz_environment_id() AS id');
    const identity = column(row, 'id');
    if (this.#identity !== null && identity !== this.#identity) {
      throw new StoreError(
        `the engine came back with another store (${identity}, was ${this.#identity}): start the input anew`,
      );
    }
    this.#identity = identity;
    if (this.#position !== undefined) await this.#checkPosition(connection);
  }

  async #checkPosition(connection: Connection): Promise<void> {
    const position = await this.#readPosition(connection);
    if (position === this.#position || position === this.#unconfirmed) return;
    throw new StoreError(
      `the engine came back at ${position}, and had acknowledged ${this.#position}: start the input anew`,
    );
  }
}
