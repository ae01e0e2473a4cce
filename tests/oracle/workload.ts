import type { Random } from './random.ts';
import { TXN, WIDE_ROWS } from './schema.ts';

/** A transaction to be: what it does, before its number is written. */
export interface Plan {
  readonly statements: readonly string[];
  /** The tables that the statements change. */
  readonly tables: ReadonlySet<string>;
  /** `alone` has no statements: its number is written without BEGIN and COMMIT. */
  readonly end: 'commit' | 'rollback' | 'error' | 'alone';
}

/** One statement and the table that it changes. */
type Step = readonly [table: string, statement: string];

const EDITORS = ['ann', 'Bob', 'zoë', "O'Hara", '"quoted"', 'tab\tbed', 'back\\slash', '李', 'a,b'];
const KINDS = ['cup', 'Hat', 'pen', 'ĸ', 'bag'];
const LABELS = ['red', 'blue', 'gre\nen', '{}'];

/** What the first transaction of a store does. */
export const firstLoad: Plan = {
  statements: [
    `INSERT INTO wide SELECT i, 'label ' || i FROM generate_series(1, ${WIDE_ROWS}) AS i`,
  ],
  tables: new Set(['wide']),
  end: 'commit',
};

/** What the last transaction of a run does: it changes every view that can change. */
export const lastWord: Plan = {
  statements: [
    "INSERT INTO edits SELECT 900000000 + i, 'ann', true, 100, '[1]' FROM generate_series(1, 500) AS i",
    "INSERT INTO items VALUES (900000001, 'last', 1.5, 1), (900000002, 'cup', 2.5, 2)",
    "INSERT INTO labels VALUES ('cup', 'last')",
    "INSERT INTO wide VALUES (900000001, 'last')",
  ],
  tables: new Set(['edits', 'items', 'labels', 'wide']),
  end: 'commit',
};

/**
 * Endless random transactions. A statement depends on nothing but the rows before it, so that a
 * second database that runs the same ones in the same order has the same rows.
 */
export class Workload {
  readonly #random: Random;
  #lastId = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  next(): Plan {
    const random = this.#random;
    if (random.chance(0.06)) return { statements: [], tables: new Set(), end: 'alone' };
    const count = random.chance(0.7) ? 1 : random.integer(0, 5);
    const steps = Array.from({ length: count }, () => this.#step());
    const end = random.chance(0.06) ? 'rollback' : random.chance(0.04) ? 'error' : 'commit';
    return {
      statements: steps.map(([, statement]) => statement),
      tables: new Set(steps.map(([table]) => table)),
      end,
    };
  }

  #step(): Step {
    const makers: readonly (readonly [weight: number, make: () => Step])[] = [
      [8, () => this.#insertEdits()],
      [3, () => this.#changeEdits()],
      [5, () => this.#insertItems()],
      [3, () => this.#changeItems()],
      [3, () => this.#changeLabels()],
      [1.2, () => this.#changeWide()],
    ];
    let at = this.#random.next() * makers.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, make] of makers) {
      at -= weight;
      if (at < 0) return make();
    }
    return this.#insertEdits();
  }

  #id(): number {
    this.#lastId++;
    return this.#lastId;
  }

  #editor(): string {
    const random = this.#random;
    if (random.chance(0.05)) return 'NULL';
    return text(random.chance(0.5) ? random.pick(EDITORS) : `user ${random.integer(1, 40)}`);
  }

  #insertEdits(): Step {
    const random = this.#random;
    const rows = Array.from({ length: random.chance(0.6) ? 1 : random.integer(2, 25) }, () => {
      const bot = random.pick(['true', 'false', 'NULL']);
      const note = random.pick(['NULL', "'[]'", `'{"b": [1, "ä"], "a": null}'`, '\'"x"\'']);
      return `(${this.#id()}, ${this.#editor()}, ${bot}, ${random.integer(0, 100)}, ${note})`;
    });
    return ['edits', `INSERT INTO edits VALUES ${rows.join(', ')}`];
  }

  #changeEdits(): Step {
    const random = this.#random;
    const modulus = random.pick([2, 7, 23, 97]);
    const which = `id % ${modulus} = ${random.integer(0, modulus - 1)}`;
    switch (random.integer(0, 3)) {
      case 0:
        return ['edits', `DELETE FROM edits WHERE ${which}`];
      case 1:
        return ['edits', `UPDATE edits SET editor = ${this.#editor()} WHERE ${which}`];
      case 2:
        return ['edits', `UPDATE edits SET delta = (delta + 50) % 101 WHERE ${which}`];
      default:
        return ['edits', `DELETE FROM edits WHERE editor = ${this.#editor()}`];
    }
  }

  #insertItems(): Step {
    const random = this.#random;
    const rows = Array.from({ length: random.integer(1, 4) }, () => {
      const price = random.pick(['1', '1.50', '0.1', '1234567.89', 'NULL']);
      const big = random.pick([
        '1',
        '9007199254740991',
        '9007199254740993',
        '-9223372036854775807',
      ]);
      return `(${this.#id()}, ${text(random.pick(KINDS))}, ${price}, ${big})`;
    });
    return ['items', `INSERT INTO items VALUES ${rows.join(', ')}`];
  }

  #changeItems(): Step {
    const random = this.#random;
    const kind = text(random.pick(KINDS));
    const modulus = random.pick([2, 3, 11]);
    const which = `id % ${modulus} = ${random.integer(0, modulus - 1)}`;
    return [
      'items',
      random.pick([
        `DELETE FROM items WHERE kind = ${kind}`,
        `DELETE FROM items WHERE ${which}`,
        `UPDATE items SET kind = ${kind} WHERE ${which}`,
        `UPDATE items SET price = price + 0.25 WHERE ${which}`,
        `UPDATE items SET id = id WHERE ${which}`,
      ]),
    ];
  }

  #changeLabels(): Step {
    const random = this.#random;
    const kind = text(random.pick(KINDS));
    const label = text(random.pick(LABELS));
    return [
      'labels',
      random.pick([
        `INSERT INTO labels VALUES (${kind}, ${label})`,
        `DELETE FROM labels WHERE kind = ${kind}`,
        `UPDATE labels SET label = ${label} WHERE kind = ${kind}`,
      ]),
    ];
  }

  #changeWide(): Step {
    const random = this.#random;
    const from = random.integer(1, WIDE_ROWS);
    const to = from + (random.chance(0.8) ? random.integer(0, 200) : random.integer(1000, 5000));
    const which = `id BETWEEN ${from} AND ${to}`;
    return [
      'wide',
      random.pick([
        `UPDATE wide SET label = 'label ' || id || '.${random.integer(1, 99)}' WHERE ${which}`,
        `DELETE FROM wide WHERE ${which}`,
        `INSERT INTO wide SELECT i, 'again' FROM generate_series(${from}, ${to}) AS i`,
      ]),
    ];
  }
}

/** The statements of a transaction that commits, its number among them. */
export function committedStatements(plan: Plan, n: number): readonly string[] {
  return [...plan.statements, `INSERT INTO ${TXN} VALUES (${n})`];
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
