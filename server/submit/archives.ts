import { Archive, type ArchiveView } from './archive.ts';
import type { Topics } from './topic.ts';

/** The views by name; the view stage provides them by shape. */
export interface ArchiveViews {
  get(name: string): ArchiveView | undefined;
  watch(listener: { added(view: { name: string }): void; removed(): void }): () => void;
}

/** What archives tell. */
export interface ArchivesListener {
  /** A topic's archive is there, or is another one: any id may be found in it. */
  opened(topic: string): void;
  /** An id has come into a topic's archive. */
  shown(topic: string, id: string): void;
}

interface Opened {
  readonly view: ArchiveView;
  readonly archive: Archive;
}

/** The archives of the topics that somebody has asked for, each over its view as that is now. */
export class Archives {
  readonly #topics: Topics;
  readonly #views: ArchiveViews;
  readonly #listener: ArchivesListener;
  readonly #opened = new Map<string, Opened>();
  readonly #unwatch: () => void;

  constructor(topics: Topics, views: ArchiveViews, listener: ArchivesListener) {
    this.#topics = topics;
    this.#views = views;
    this.#listener = listener;
    this.#unwatch = views.watch({
      added: ({ name }) => this.#added(name),
      removed: () => {},
    });
  }

  /** The archive of a topic; null when it takes no messages or its view is not served. */
  open(name: string): Archive | null {
    const topic = this.#topics.get(name);
    if (topic === undefined || 'problem' in topic) return null;
    const view = this.#views.get(topic.archivedIn.view);
    const known = this.#opened.get(name);
    if (known !== undefined && known.view === view) return known.archive;
    if (view === undefined) return null;
    known?.archive.stop();
    const archive = new Archive(view, topic.archivedIn, (id) => this.#listener.shown(name, id));
    this.#opened.set(name, { view, archive });
    this.#listener.opened(name);
    return archive;
  }

  /** The archive that was opened last, though its view may have been dropped since. */
  lastOf(name: string): Archive | undefined {
    return this.#opened.get(name)?.archive;
  }

  close(): void {
    this.#unwatch();
    for (const { archive } of this.#opened.values()) archive.stop();
    this.#opened.clear();
  }

  /** A view that was dropped is back: what is waited for may be there. */
  #added(view: string): void {
    for (const name of [...this.#opened.keys()]) {
      const topic = this.#topics.get(name);
      if (topic !== undefined && 'archivedIn' in topic && topic.archivedIn.view === view) {
        this.open(name);
      }
    }
  }
}
