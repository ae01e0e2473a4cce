import { hashOf } from '../protocol/hash.ts';
import type { BatchMessage, Progress, Subscribe, Subscribed } from '../protocol/message.ts';
import { add } from '../protocol/multiset.ts';
import { rowText } from '../protocol/row.ts';
import { compareFrontiers, type Frontier, type Json, type RowText } from '../protocol/update.ts';
import { Rule } from './rule.ts';

/** The rows of each view of a subscription. */
export type State = ReadonlyMap<string, ReadonlyMap<RowText, number>>;

/** A subscription's rows at a frontier: what a later one may go on from. */
export interface Holding {
  readonly epoch: string;
  readonly frontier: Frontier;
  readonly state: State;
}

/** The last so many states are remembered, to be compared with those of other subscriptions. */
const MAX_STATES = 200;

/**
 * Follows one subscription as PROTOCOL.md says, by itself and without the project's client, and
 * breaks a {@link Rule} at the first message that must not be.
 */
export class Track {
  readonly request: Subscribe;
  readonly #seed: Holding | undefined;
  #subscribed: Subscribed | undefined;
  /** Null before the first batch since `subscribed`. */
  #frontier: Frontier | null = null;
  #rows = new Map<string, Map<RowText, number>>();
  /** Whether the rows are known: not when it resumed from what the runner does not hold. */
  #known = false;
  #stands = new Map<string, Frontier>();
  #parts: BatchMessage[] = [];
  readonly #states: { readonly frontier: Frontier; readonly state: State }[] = [];
  batches = 0;
  proofs = 0;

  constructor(request: Subscribe, seed?: Holding) {
    this.request = request;
    this.#seed = seed;
  }

  get channel(): number | undefined {
    return this.#subscribed?.channel;
  }

  get subscribed(): Subscribed | undefined {
    return this.#subscribed;
  }

  get frontier(): Frontier | null {
    return this.#frontier;
  }

  /** The rows of a view now. */
  rows(view: string): ReadonlyMap<RowText, number> {
    return this.#rows.get(view) ?? new Map();
  }

  /** What is held now, to go on from. @throws {Error} before the first batch. */
  holding(): Holding {
    if (this.#frontier === null) throw new Error('there is nothing to go on from yet');
    const epoch = this.#subscribed?.epoch ?? '';
    return { epoch, frontier: this.#frontier, state: this.#copy() };
  }

  /** What was held at a frontier; undefined when it was never at it. */
  at(frontier: Frontier): State | undefined {
    return this.#states.findLast((one) => one.frontier === frontier)?.state;
  }

  /** Frontiers whose state is remembered. */
  get frontiers(): readonly Frontier[] {
    return this.#states.map(({ frontier }) => frontier);
  }

  begin(message: Subscribed): void {
    const first = this.#subscribed === undefined;
    const { resumed, reason, epoch, columns } = message;
    const { from } = this.request;
    Rule.expect(
      'subscribed',
      'an epoch of 16 base64url characters',
      /^[\w-]{16}$/.test(epoch),
      epoch,
    );
    const views = this.request.views.map(({ view }) => view).sort();
    const named = Object.keys(columns).sort();
    Rule.expect('subscribed', `columns of ${views}`, String(views) === String(named), named);
    if (resumed === 'batch') {
      Rule.expect(
        'Resuming',
        'a batch only where `from` was given',
        first && from !== undefined,
        message,
      );
      Rule.expect('Resuming', `the epoch that was asked from`, epoch === from?.epoch, epoch);
      Rule.expect('subscribed', 'no reason beside a batch', reason === undefined, reason);
    } else if (first) {
      const why = from === undefined ? 'no reason where nothing was held' : 'a reason';
      Rule.expect('subscribed', why, (reason !== undefined) === (from !== undefined), message);
    }
    this.#subscribed = message;
    this.#frontier = null;
    this.#stands.clear();
    this.#parts = [];
    const seed = resumed === 'batch' ? this.#seed : undefined;
    this.#known = resumed === 'snapshot' || seed !== undefined;
    this.#rows = new Map([...(seed?.state ?? [])].map(([view, rows]) => [view, new Map(rows)]));
  }

  batch(message: BatchMessage): void {
    const whole = this.#assemble(message);
    if (whole === null) return;
    const { lower, upper } = whole[0];
    const { frontier } = this;
    const first = frontier === null;
    const expected = first ? this.#firstLower() : frontier;
    // A laggard may be sent a snapshot where that is smaller than what it missed.
    const anew = lower === null && frontier !== null && compareFrontiers(upper, frontier) >= 0;
    const right = lower === expected || anew;
    Rule.expect(first ? 'S3' : 'S1', `a batch from ${expected}`, right, `${lower} to ${upper}`);
    const rows = new Map<string, Map<RowText, number>>();
    for (const part of whole) this.#collect(part, rows);
    const empty = [...rows.values()].every(({ size }) => size === 0);
    if (lower !== null) {
      const order = compareFrontiers(upper, lower);
      const forward = order > 0 || (order === 0 && first && empty);
      Rule.expect('Batches', `an upper above ${lower}`, forward, upper);
    }
    if (lower === null) {
      this.#rows = new Map();
      this.#known = true;
    }
    for (const [view, changes] of rows) this.#apply(view, changes);
    this.#stand(whole[0]);
    this.batches += 1;
  }

  progress(message: Progress): void {
    const { upper, hash } = message;
    const { frontier } = this;
    if (frontier === null) throw new Rule('S3', 'the first batch before anything else', message);
    Rule.expect('S4', 'nothing between the parts of a batch', this.#parts.length === 0, message);
    const order = compareFrontiers(upper, frontier);
    Rule.expect('progress', `an upper not below ${frontier}`, order >= 0, upper);
    const views = this.request.views.map(({ view }) => view);
    Rule.expect('progress', `hashes of ${views}`, sameNames(views, hash), Object.keys(hash));
    for (const view of views) {
      const own = hashOf(this.rows(view));
      const right = !this.#known || Reflect.get(hash, view) === own;
      Rule.expect('S9', `the hash ${own} of ${view} at ${upper}`, right, hash);
    }
    this.#stand(message);
    this.proofs += 1;
  }

  #firstLower(): Frontier | null {
    return this.#subscribed?.resumed === 'batch' ? (this.request.from?.timestamp ?? null) : null;
  }

  /** The parts of a batch when the last is there. */
  #assemble(message: BatchMessage): readonly [BatchMessage, ...BatchMessage[]] | null {
    const { part, parts } = message;
    const [open] = this.#parts;
    if (part === undefined || parts === undefined) {
      Rule.expect('S4', '`part` and `parts` together', part === parts, message);
      Rule.expect(
        'S4',
        `part ${this.#parts.length} of the batch begun`,
        open === undefined,
        message,
      );
      return [message];
    }
    const next = this.#parts.length;
    Rule.expect('S4', `part ${next}`, part === next && part < parts, `${part} of ${parts}`);
    for (const key of ['lower', 'upper', 'parts', 'held'] as const) {
      const same = open === undefined || JSON.stringify(open[key]) === JSON.stringify(message[key]);
      Rule.expect('S4', `parts with one ${key}`, same, message[key]);
    }
    const all: [BatchMessage, ...BatchMessage[]] = [open ?? message, ...this.#parts.slice(1)];
    if (open !== undefined) all.push(message);
    this.#parts = all;
    if (all.length < parts) return null;
    this.#parts = [];
    return all;
  }

  #collect(part: BatchMessage, into: Map<string, Map<RowText, number>>): void {
    for (const [view, changes] of Object.entries(part.changes)) {
      const request = this.request.views.find((one) => one.view === view);
      if (request === undefined) throw new Rule('Batches', 'changes of views asked for', view);
      const rows = into.get(view) ?? new Map<RowText, number>();
      into.set(view, rows);
      for (const [diff, row] of changes) {
        const text = rowText(row);
        Rule.expect('Batches', 'each row once', !rows.has(text), `${text} twice in ${view}`);
        this.#expectRow(view, row);
        rows.set(text, diff);
      }
    }
  }

  #expectRow(view: string, row: readonly Json[]): void {
    const columns = Reflect.get(Object(this.#subscribed?.columns), view) as { name: string }[];
    const { length } = columns;
    Rule.expect('Values', `${length} values in a row of ${view}`, row.length === length, row);
    const where = this.request.views.find((one) => one.view === view)?.where ?? {};
    for (const [name, value] of Object.entries(where)) {
      const own = row[columns.findIndex((column) => column.name === name)];
      Rule.expect('Filters', `rows whose ${name} is ${value}`, own === value, row);
    }
  }

  #apply(view: string, changes: ReadonlyMap<RowText, number>): void {
    const rows = this.#rows.get(view) ?? new Map<RowText, number>();
    this.#rows.set(view, rows);
    for (const [text, diff] of changes) {
      add(rows, text, diff);
      const sum = rows.get(text) ?? 0;
      Rule.expect('Batches', 'multiplicities from 0', !this.#known || sum >= 0, `${text}: ${sum}`);
    }
  }

  #stand({ upper, held = {} }: Pick<BatchMessage, 'upper' | 'held'>): void {
    for (const { view } of this.request.views) {
      const stood = this.#stands.get(view);
      const stands: Frontier = Reflect.get(held, view) ?? upper;
      const order = stood === undefined ? 0 : compareFrontiers(stands, stood);
      Rule.expect('Several views', `${view} not back from ${stood}`, order >= 0, stands);
      Rule.expect(
        'Several views',
        `${view} up to ${upper}`,
        compareFrontiers(stands, upper) <= 0,
        stands,
      );
      this.#stands.set(view, stands);
    }
    const strangers = Object.keys(held).filter((view) => !this.#stands.has(view));
    Rule.expect('Several views', 'views asked for in `held`', strangers.length === 0, strangers);
    this.#frontier = upper;
    if (this.#known) this.#states.push({ frontier: upper, state: this.#copy() });
    if (this.#states.length > MAX_STATES) this.#states.shift();
  }

  #copy(): State {
    return new Map([...this.#rows].map(([view, rows]) => [view, new Map(rows)]));
  }
}

function sameNames(views: readonly string[], hash: object): boolean {
  return String([...views].sort()) === String(Object.keys(hash).sort());
}
