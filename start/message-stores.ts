import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { quoteName, quoteText } from '../embedded/lexer.ts';
import type { Database } from './hand-made.ts';

/** Rows that are held in memory at once. */
const PAGE_ROWS = 1_000;
const FILE = 'message-stores.json';
const namesSchema = z.array(z.string());

/** Hands the database of another store's folder to `work`. */
export type Visit = <T>(folder: string, work: (database: Database) => Promise<T>) => Promise<T>;

/**
 * What people sent belongs to no input, but is kept in the store of the input that was shown then.
 * Whenever another store is entered, all messages come along. `message-stores.json` in the data
 * folder names the stores whose messages the present one may lack, and then the present one: it is
 * written after they came along, so that a kill in between only means to do it again, which doubles
 * nothing as every message has a key.
 */
export class MessageStores {
  readonly #data: string;
  readonly #topics: () => readonly string[];
  readonly #visit: Visit;

  /** `topics` names the tables of messages. */
  constructor(data: string, topics: () => readonly string[], visit: Visit) {
    this.#data = data;
    this.#topics = topics;
    this.#visit = visit;
  }

  /**
   * Brings the messages of the stores used before into the store called `name`, which is `database`.
   * Returns how many came. A store that cannot be read is kept in mind for the next time.
   */
  async enter(
    name: string,
    database: Database,
    failed: (store: string, error: unknown) => void,
  ): Promise<number> {
    const behind: string[] = [];
    let came = 0;
    for (const store of this.#known()) {
      if (store === name || !existsSync(join(this.#data, store))) continue;
      try {
        came += await this.#bring(store, database);
      } catch (error) {
        behind.push(store);
        failed(store, error);
      }
    }
    this.#write([...behind, name]);
    return came;
  }

  #bring(store: string, to: Database): Promise<number> {
    return this.#visit(join(this.#data, store), async (from) => {
      let came = 0;
      for (const topic of this.#topics()) came += await copyTopic(topic, from, to);
      return came;
    });
  }

  #known(): readonly string[] {
    try {
      return namesSchema.parse(JSON.parse(readFileSync(join(this.#data, FILE), 'utf8')));
    } catch {
      // The first start, or a file that a full disk left empty: no store is known.
      return [];
    }
  }

  #write(names: readonly string[]): void {
    const file = join(this.#data, FILE);
    writeFileSync(`${file}.new`, `${JSON.stringify(names)}\n`);
    renameSync(`${file}.new`, file);
  }
}

/** Copies what is missing, in order; the time of each stays, its offset is the new store's own. */
async function copyTopic(topic: string, from: Database, to: Database): Promise<number> {
  const table = `public.${quoteName(topic)}`;
  const columns = await columnsOf(topic, from);
  const names = (await columnsOf(topic, to)).filter((name) => columns.includes(name));
  if (names.length === 0) return 0;
  const listed = names.map(quoteName).join(', ');
  let [came, after] = [0, -1];
  for (;;) {
    const rows = await from.query(
      `SELECT "offset", to_jsonb(t)::text AS row FROM ${table} AS t
       WHERE "offset" > ${after} ORDER BY "offset" LIMIT ${PAGE_ROWS}`,
    );
    if (rows.length === 0) return came;
    after = Number(rows.at(-1)?.offset);
    const records = `[${rows.map(({ row }) => String(row)).join(',')}]`;
    const inserted = await to.query(
      `INSERT INTO ${table} (${listed})
       SELECT ${listed} FROM jsonb_populate_recordset(NULL::${table}, ${quoteText(records)}::jsonb)
       ORDER BY "offset" ON CONFLICT DO NOTHING RETURNING "offset"`,
    );
    came += inserted.length;
  }
}

/** All but the offset; none where there is no such table. */
async function columnsOf(topic: string, database: Database): Promise<readonly string[]> {
  const rows = await database.query(
    `SELECT column_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name = ${quoteText(topic)} AND column_name <> 'offset'
     ORDER BY ordinal_position`,
  );
  return rows.map(({ name }) => String(name));
}
