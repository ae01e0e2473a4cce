import type { ViewEvent } from './message.ts';
import { type MakeHistory, MirrorView } from './mirror-view.ts';
import { decodeEvents } from './pack.ts';

/** Told of views that appear and disappear. */
export interface MirrorViewsListener {
  added(view: MirrorView): void;
  removed(view: MirrorView): void;
}

/** The main thread's views as a worker knows them. */
export class MirrorViews {
  readonly #makeHistory: MakeHistory;
  readonly #views = new Map<string, MirrorView>();
  readonly #listeners = new Set<MirrorViewsListener>();
  #discovered = false;

  constructor(makeHistory: MakeHistory) {
    this.#makeHistory = makeHistory;
  }

  /** False until the list of views is known. */
  get discovered(): boolean {
    return this.#discovered;
  }

  get(name: string): MirrorView | undefined {
    return this.#views.get(name);
  }

  all(): readonly MirrorView[] {
    return [...this.#views.values()];
  }

  /** Calls the listener from now on; the returned function ends it and may be called once. */
  watch(listener: MirrorViewsListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** What happened in one turn of the main thread, as its feed tells it, happens in one turn here. */
  take(texts: readonly string[]): void {
    for (const text of texts) for (const event of decodeEvents(text)) this.#take(event);
  }

  #take(event: ViewEvent): void {
    switch (event.kind) {
      case 'added': {
        const view = new MirrorView(event.view, this.#makeHistory);
        this.#views.set(view.name, view);
        for (const listener of [...this.#listeners]) listener.added(view);
        break;
      }
      case 'removed': {
        const view = this.#known(event.name);
        this.#views.delete(event.name);
        for (const listener of [...this.#listeners]) listener.removed(view);
        break;
      }
      case 'reset':
        this.#known(event.view.name).reset(event.view);
        break;
      case 'batch':
        this.#known(event.name).batch(event);
        break;
      case 'state':
        this.#known(event.name).enter(event.state);
        break;
      case 'discovered':
        this.#discovered = true;
    }
  }

  #known(name: string): MirrorView {
    const view = this.#views.get(name);
    if (view === undefined) throw new Error(`expected a view that was handed over, got ${name}`);
    return view;
  }
}
