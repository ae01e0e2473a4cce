import { Catalog } from './catalog.ts';
import type { HistoryLimits } from './history.ts';
import { View } from './view.ts';

/** A followed view, as the upstream gives it. */
export interface Following {
  /** Ends it; idempotent. */
  stop(): void;
  /** Looks anew, now: the view is another one, or is back. */
  retry(): void;
}

export interface ViewsParts {
  /** Feeds a view from the database from now on. */
  readonly follow: (name: string, view: View) => Following;
  /** Runs `run` once after `ms`; the returned function calls it off. */
  readonly after: (ms: number, run: () => void) => () => void;
  /** The views to serve; null serves every materialized view there is, and those to come. */
  readonly names: readonly string[] | null;
  readonly limits?: HistoryLimits | undefined;
}

/** Told of views that appear and disappear while serving. */
export interface ViewsListener {
  added(view: View): void;
  removed(view: View): void;
  /** The list of views is known now. */
  discovered?(): void;
}

/** Stands for the id of a named view that the catalogue does not list. */
const GONE = 'gone';
/** A dropped view is kept so long, for it is often created anew at once. */
const GRACE_MS = 5_000;

interface Served {
  readonly view: View;
  readonly following: Following;
  /** The object's id as the catalogue lists it; '' while that is not known. */
  object: string;
  /** Calls off the removal of a dropped view; null when it is not dropped. */
  keep: (() => void) | null;
}

/** All views that are served, by name. */
export class Views {
  readonly #parts: ViewsParts;
  readonly #served = new Map<string, Served>();
  readonly #listeners = new Set<ViewsListener>();
  #catalog: Catalog | null = null;
  #discovered: boolean;
  #isStopped = false;

  constructor(parts: ViewsParts) {
    this.#parts = parts;
    this.#discovered = parts.names !== null;
    for (const name of new Set(parts.names)) this.#add(name, '');
    if (parts.names === null) this.#catalog = this.#watchCatalog();
  }

  /** False until the list of views is known. */
  get discovered(): boolean {
    return this.#discovered;
  }

  get(name: string): View | undefined {
    return this.#served.get(name)?.view;
  }

  all(): readonly View[] {
    return [...this.#served.values()].map(({ view }) => view);
  }

  /** Calls the listener from now on; the returned function ends it and may be called once. */
  watch(listener: ViewsListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /**
   * The database is of the line up to 0.26: it lists materialized views as views, and a stream whose
   * view is dropped neither ends nor fails, so the catalogue is watched for views that were named too.
   * Idempotent.
   */
  treatAsOlder(): void {
    if (this.#isStopped) return;
    if (this.#parts.names === null) this.#catalog?.treatAsOlder();
    else this.#catalog ??= this.#watchCatalog();
  }

  /** Stops following all views; idempotent. */
  stop(): void {
    this.#isStopped = true;
    this.#catalog?.stop();
    for (const { following, keep } of this.#served.values()) {
      keep?.();
      following.stop();
    }
  }

  /** Discovery is one more subscription: on the catalogue. */
  #watchCatalog(): Catalog {
    const { follow, names } = this.#parts;
    return names === null
      ? new Catalog({ follow, wanted: 'materialized', changed: (it) => this.#compare(it) })
      : new Catalog({ follow, wanted: 'everything', changed: (it) => this.#compareNamed(it) });
  }

  #compare(objects: ReadonlyMap<string, string>): void {
    if (!this.#discovered) {
      this.#discovered = true;
      for (const listener of [...this.#listeners]) listener.discovered?.();
    }
    for (const [name, served] of this.#served) {
      if (!objects.has(name)) this.#drop(name, served);
    }
    for (const [name, object] of objects) {
      const served = this.#served.get(name);
      if (served === undefined) this.#add(name, object);
      else if (served.object !== object) this.#renew(served, object);
    }
  }

  /** Views that were named stay served: one that is gone or another object is asked for anew. */
  #compareNamed(objects: ReadonlyMap<string, string>): void {
    for (const [name, served] of this.#served) {
      const object = objects.get(name.split('.').at(-1) ?? name) ?? GONE;
      const before = served.object;
      served.object = object;
      if (before !== '' && before !== object) served.following.retry();
    }
  }

  #add(name: string, object: string): void {
    const view = new View(name, this.#parts.limits);
    const following = this.#parts.follow(name, view);
    this.#served.set(name, { view, following, object, keep: null });
    for (const listener of [...this.#listeners]) listener.added(view);
  }

  /** A view of this name is there again, as another object. */
  #renew(served: Served, object: string): void {
    served.keep?.();
    served.keep = null;
    served.object = object;
    served.following.retry();
  }

  #drop(name: string, served: Served): void {
    if (served.keep !== null) return;
    served.object = '';
    served.view.gone();
    served.keep = this.#parts.after(GRACE_MS, () => {
      served.following.stop();
      this.#served.delete(name);
      for (const listener of [...this.#listeners]) listener.removed(served.view);
    });
  }
}
