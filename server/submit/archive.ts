import type { Batch, Changes, Frontier, Json, RowText } from '../../protocol/update.ts';
import type { ArchivedIn } from './topic.ts';

/** A view as an archive reads it; the view stage provides it by shape. */
export interface ArchiveView {
  readonly columns: readonly { readonly name: string }[];
  /** Null while hydrating. */
  readonly frontier: Frontier | null;
  readonly state: string;
  readonly rows: Changes;
  watch(listener: {
    batch(batch: Batch): void;
    reset(difference: Changes): void;
    state(state: string): void;
  }): () => void;
}

/** How an id is kept and compared: a UUID in capitals is the same UUID (RFC 9562 §4). */
export const canonicalId = (id: string): string => id.toLowerCase();

/** The rows of a view by the ids in one of its columns. */
export class Archive {
  readonly #view: ArchiveView;
  readonly #in: ArchivedIn;
  readonly #shown: (id: string) => void;
  readonly #rows = new Map<string, RowText>();
  readonly #unwatch: () => void;
  #position = -1;

  /** `shown` is told of each canonical id that comes; what is there already is only found. */
  constructor(view: ArchiveView, archivedIn: ArchivedIn, shown: (id: string) => void) {
    this.#view = view;
    this.#in = archivedIn;
    this.#shown = shown;
    this.#unwatch = view.watch({
      batch: ({ changes }) => this.#take(changes),
      reset: () => this.#begin(),
      state: () => {},
    });
    this.#begin();
  }

  /** Whether the archive can be asked; else why not. */
  get problem(): string | null {
    const { view, column } = this.#in;
    if (this.#view.frontier === null) return `the view ${view} is being read for the first time`;
    if (this.#view.state === 'gone') return `the view ${view}, which shows messages, was dropped`;
    return this.#position < 0
      ? `the view ${view} has no column ${column} to find messages by`
      : null;
  }

  /** What `find` answers holds up to here. */
  get frontier(): Frontier {
    return this.#view.frontier ?? 0;
  }

  /** The columns of the row with this canonical id; null when it is not archived. */
  find(id: string): ReadonlyMap<string, Json> | null {
    const row = this.#rows.get(id);
    if (row === undefined) return null;
    const values: readonly Json[] = JSON.parse(row);
    return new Map(this.#view.columns.map(({ name }, at) => [name, values[at] ?? null]));
  }

  /** May be called once. */
  stop(): void {
    this.#unwatch();
  }

  #begin(): void {
    this.#position = this.#view.columns.findIndex(({ name }) => name === this.#in.column);
    this.#rows.clear();
    this.#take(this.#view.rows);
  }

  #take(changes: Changes): void {
    if (this.#position < 0 || changes.size === 0) return;
    const came: string[] = [];
    for (const [row, diff] of changes) {
      const values: readonly Json[] = JSON.parse(row);
      const shown = values[this.#position];
      if (typeof shown !== 'string') continue;
      const id = canonicalId(shown);
      if (diff < 0) {
        if (this.#rows.get(id) === row) this.#rows.delete(id);
        continue;
      }
      this.#rows.set(id, row);
      came.push(id);
    }
    for (const id of came) this.#shown(id);
  }
}
