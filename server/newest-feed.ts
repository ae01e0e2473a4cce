import { compareFrontiers, type Frontier } from '../protocol/update.ts';
import { type Item, itemsOf, NEWEST_VIEW, type NewestView, servedHop } from './example-items.ts';

/** Views by name; the view stage provides them by shape. */
interface NamedViews {
  get(name: string): NewestView | undefined;
  watch(listener: {
    added(view: { readonly name: string }): void;
    removed(view: { readonly name: string }): void;
  }): () => void;
}

/** The newest messages as the example system's pages list them, followed while the server runs. */
export class NewestFeed {
  readonly #views: NamedViews;
  readonly #nowMs: () => number;
  readonly #changed: () => void;
  readonly #unwatch: () => void;
  #leave: () => void = () => {};
  #waiting: { readonly frontier: Frontier; readonly run: () => void }[] = [];

  /** `changed` is told whenever one of the items is another. */
  constructor(views: NamedViews, nowMs: () => number, changed: () => void) {
    this.#views = views;
    this.#nowMs = nowMs;
    this.#changed = changed;
    const look = ({ name }: { readonly name: string }): void => {
      if (name === NEWEST_VIEW) this.#begin();
    };
    this.#unwatch = views.watch({ added: look, removed: look });
    this.#begin();
  }

  /** Undefined where it is not served. */
  get view(): NewestView | undefined {
    return this.#views.get(NEWEST_VIEW);
  }

  /** As served now, under a path. */
  items(path: string): readonly Item[] {
    const { view } = this;
    return view === undefined ? [] : itemsOf(view, servedHop(path, this.#nowMs()));
  }

  /** Runs when the items have come so far, after `changed` was told: at once where they have. */
  whenShown(frontier: Frontier, run: () => void): void {
    if (this.#isShown(frontier)) run();
    else this.#waiting.push({ frontier, run });
  }

  stop(): void {
    this.#unwatch();
    this.#leave();
  }

  #begin(): void {
    this.#leave();
    const { view } = this;
    this.#leave =
      view?.watch({
        batch: ({ changes }) => this.#moved(changes.size > 0),
        reset: () => this.#moved(true),
        state: () => {},
      }) ?? (() => {});
    this.#moved(false);
  }

  #moved(isOther: boolean): void {
    if (isOther) this.#changed();
    const shown = this.#waiting.filter(({ frontier }) => this.#isShown(frontier));
    if (shown.length === 0) return;
    this.#waiting = this.#waiting.filter((one) => !shown.includes(one));
    for (const { run } of shown) run();
  }

  /** What is not served keeps nobody waiting. */
  #isShown(frontier: Frontier): boolean {
    const { view } = this;
    return view === undefined || compareFrontiers(view.frontier ?? 0, frontier) >= 0;
  }
}
