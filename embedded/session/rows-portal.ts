import { commandComplete, PORTAL_SUSPENDED, rowDescription } from '../wire/backend.ts';
import { dataRows, type WireRow } from '../wire/rows.ts';
import type { Context, Portal } from './context.ts';

/** Rows that were computed beforehand, as SHOW has them. */
export class RowsPortal implements Portal {
  readonly #context: Context;
  readonly #description: Uint8Array;
  readonly #load: () => Promise<readonly WireRow[]>;
  #rows: readonly WireRow[] | undefined;

  constructor(
    context: Context,
    names: readonly (readonly [name: string, typeOid: number])[],
    load: () => Promise<readonly WireRow[]>,
  ) {
    this.#context = context;
    this.#description = rowDescription(
      names.map(([name, typeOid]) => ({
        name,
        typeOid,
        typeSize: typeOid === BOOL ? 1 : -1,
        typeModifier: -1,
      })),
    );
    this.#load = load;
  }

  async describe(): Promise<Uint8Array> {
    return this.#description;
  }

  async execute(maxRows: number): Promise<void> {
    const rows = this.#rows ?? (await this.#load());
    const limit = maxRows > 0 ? maxRows : rows.length;
    const page = rows.slice(0, limit);
    this.#rows = rows.slice(limit);
    const tag = commandComplete(`SELECT ${page.length}`);
    this.#context.out.send(dataRows(page), this.#rows.length > 0 ? PORTAL_SUSPENDED : tag);
  }

  close(): void {}
}

/** Type OIDs. */
export const TEXT = 25;
export const BOOL = 16;
