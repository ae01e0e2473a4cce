import { replaceFunctions } from '../dialect/functions.ts';
import { commandComplete, NO_DATA, PORTAL_SUSPENDED } from '../wire/backend.ts';
import type { Parameters } from '../wire/frontend.ts';
import { bind, describe, EXECUTE_ALL, parse, SYNC } from '../wire/request.ts';
import type { Context, FetchRequest, Portal, Source } from './context.ts';

/** How a statement for PostgreSQL was prepared and bound. */
export interface Binding extends Source {
  readonly parameters: Parameters;
  readonly resultFormats: readonly number[];
}

/** An error of the backend that has been sent to the client already. */
export const ALREADY_SENT = Symbol('already sent');

/**
 * A statement that PostgreSQL runs, as a portal. The shared backend keeps no portals: the statement
 * is run to its end at once, and what the client did not ask for yet waits here.
 */
export class BackendPortal implements Portal {
  readonly #context: Context;
  readonly binding: Binding;
  #description: Uint8Array | undefined;
  /** DataRow frames not yet asked for; undefined before the statement ran. */
  #rest: Uint8Array[] | undefined;
  #tag: Uint8Array = commandComplete('SELECT 0');

  constructor(context: Context, binding: Binding) {
    this.#context = context;
    this.binding = binding;
  }

  /** Whether it ran and only kept rows are left to send. */
  get ran(): boolean {
    return this.#rest !== undefined;
  }

  async describe(formats = this.binding.resultFormats): Promise<Uint8Array> {
    if (this.#description === undefined) await this.#run(formats);
    return this.#description ?? NO_DATA;
  }

  async execute(maxRows: number): Promise<void> {
    if (this.#rest === undefined) await this.#run(this.binding.resultFormats);
    const sent = this.#send(maxRows > 0 ? maxRows : Infinity);
    const more = (this.#rest ?? []).length > 0;
    if (more) this.#context.out.send(PORTAL_SUSPENDED);
    else this.#context.out.send(maxRows > 0 ? recounted(this.#tag, sent) : this.#tag);
  }

  readonly fetch = async (request: FetchRequest): Promise<number> => {
    if (this.#rest === undefined) await this.#run(request.formats);
    return this.#send(request.count);
  };

  /** Keeps rows and the tag of an execution that another made for it. */
  keep(rows: Uint8Array[], tag: Uint8Array): void {
    this.#rest = rows;
    this.#tag = tag;
  }

  close(): void {
    this.#rest = undefined;
  }

  #send(limit: number): number {
    const page = (this.#rest ?? []).splice(0, Math.min(limit, Number.MAX_SAFE_INTEGER));
    this.#context.out.send(...page);
    return page.length;
  }

  async #run(formats: readonly number[]): Promise<void> {
    const { statement, parameterTypes, parameters } = this.binding;
    const sql = await replaceFunctions(statement.sql, this.#context.functions);
    const frames = Buffer.concat([
      parse(sql, parameterTypes),
      bind(parameters, formats),
      describe('P'),
      EXECUTE_ALL,
      SYNC,
    ]);
    const rows: Uint8Array[] = [];
    const work = {
      frames,
      sql,
      writes: statement.access === 'write',
      outsideTransaction: statement.outsideTransaction,
      continues: false,
    };
    const failed = await this.#context.backend.run(work, (frame) => {
      const letter = String.fromCharCode(frame.type);
      if (letter === 'T' || letter === 'n') this.#description = Buffer.from(frame.whole);
      else if (letter === 'D') rows.push(Buffer.from(frame.whole));
      else if (letter === 'C') this.#tag = Buffer.from(frame.whole);
      else if (letter === 'E' || letter === 'N') this.#context.out.send(Buffer.from(frame.whole));
    });
    if (failed) throw ALREADY_SENT;
    this.#rest = rows;
  }
}

/** A SELECT's tag counts the rows of its last page, as PostgreSQL does. */
function recounted(tag: Uint8Array, rows: number): Uint8Array {
  const text = Buffer.from(tag).toString('utf8', 5, tag.byteLength - 1);
  return text.startsWith('SELECT ') ? commandComplete(`SELECT ${rows}`) : tag;
}
