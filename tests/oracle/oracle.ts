import { PGlite } from '@electric-sql/pglite';
import { z } from 'zod';
import { Bag } from './holding.ts';
import type { Transaction } from './ledger.ts';
import { type Question, questionText } from './question.ts';
import { TABLES, TXN, VIEWS, viewNamed } from './schema.ts';
import { committedStatements } from './workload.ts';

const rowsSchema = z.array(z.array(z.unknown()));

/** A database of its own with nothing of ours in it: ordinary tables and ordinary views. */
export class Oracle {
  readonly #database: PGlite;
  /** Answers by question, until one of its tables changes. */
  readonly #answers = new Map<string, Bag>();
  evaluations = 0;

  private constructor(database: PGlite) {
    this.#database = database;
  }

  static async open(): Promise<Oracle> {
    const database = await PGlite.create();
    for (const table of TABLES) await database.exec(table);
    for (const { name, query } of VIEWS) await database.exec(`CREATE VIEW ${name} AS ${query}`);
    return new Oracle(database);
  }

  /** Back to empty tables. */
  async clear(): Promise<void> {
    const { rows } = await this.#database.query<{ name: string }>(
      "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    );
    for (const { name } of rows) await this.#database.exec(`TRUNCATE ${name}`);
    this.#answers.clear();
  }

  /** Runs one committed transaction. */
  async apply({ n, plan }: Transaction): Promise<void> {
    await this.#database.exec(['BEGIN', ...committedStatements(plan, n), 'COMMIT'].join(';\n'));
    const changed = new Set([...plan.tables, TXN]);
    for (const { name, tables } of VIEWS) {
      if (!tables.some((table) => changed.has(table))) continue;
      for (const key of this.#answers.keys()) {
        if (key === name || key.startsWith(`${name} `)) this.#answers.delete(key);
      }
    }
  }

  /** What SQL answers now. Evaluated once for each state of the tables that it reads. */
  async answer(question: Question): Promise<Bag> {
    const key = questionText(question);
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const answer = await this.#evaluate(question);
    this.#answers.set(key, answer);
    return answer;
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  async #evaluate({ view, where = {} }: Question): Promise<Bag> {
    this.evaluations++;
    const { columns } = viewNamed(view);
    const values = Object.values(where);
    const conditions = Object.keys(where).map(
      (column, index) => `${column}::text IS NOT DISTINCT FROM $${index + 1}`,
    );
    const filter = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const { rows } = await this.#database.query<{ answer: string | null }>(
      `SELECT json_agg(json_build_array(${columns.join(', ')}))::text AS answer FROM ${view} ${filter}`,
      values.map((value) => (value === null ? null : String(value))),
    );
    const bag = new Bag();
    const text = rows[0]?.answer ?? '[]';
    for (const row of rowsSchema.parse(JSON.parse(text))) bag.add(row, 1);
    return bag;
  }
}
