import type { CloseCode } from '../../protocol/close.ts';
import type { Json } from '../../protocol/update.ts';
import { BatchChannel, type BatchChannelParts } from './batch-channel.ts';
import { FilterRouter } from './filter.ts';
import type { Behind } from './member.ts';
import type { LiveView, Views } from './view.ts';

/** One view of a subscription (`subscribe.views`). */
export interface ViewWanted {
  readonly view: string;
  readonly where?: Readonly<Record<string, Json>>;
}

/** Why there is no such channel; `unavailable` may pass by itself. */
export type NoChannel =
  | { readonly code: 'unavailable'; readonly message: string }
  | { readonly code: 'unknown_view'; readonly message: string }
  | { readonly code: 'unknown_column'; readonly message: string };

interface Open {
  readonly channel: BatchChannel;
  readonly names: readonly string[];
}

/** The channels of `ws /api/v1`: one for all who watch the same, kept while somebody does. */
export class BatchChannels {
  readonly #views: Views;
  readonly #parts: Omit<BatchChannelParts, 'nextNumber'>;
  readonly #open = new Map<string, Open>();
  /** By view, then by the names of the filter's columns. */
  readonly #routers = new Map<LiveView, Map<string, FilterRouter>>();
  readonly #unwatch: () => void;
  #made = 0;

  constructor(views: Views, parts: Omit<BatchChannelParts, 'nextNumber'>) {
    this.#views = views;
    this.#parts = parts;
    this.#unwatch = views.watch({ added: () => {}, removed: (view) => this.#removed(view) });
  }

  /** How many there are. */
  get size(): number {
    return this.#open.size;
  }

  /** The viewers of all channels that lag. */
  behind(): readonly Behind[] {
    return [...this.#open.values()].flatMap(({ channel }) => channel.behind());
  }

  /** The subscriptions that a view is part of. */
  viewersOf(view: string): number {
    let viewers = 0;
    for (const { channel, names } of this.#open.values()) {
      if (names.includes(view)) viewers += channel.viewers;
    }
    return viewers;
  }

  /** The channel of these views at this pace (0: every batch), or why there is none. */
  get(wanted: readonly ViewWanted[], everyMs: number): BatchChannel | NoChannel {
    const problem = this.#problem(wanted);
    if (problem !== null) return problem;
    const key = JSON.stringify([everyMs, wanted.map(({ view, where }) => [view, sorted(where)])]);
    const known = this.#open.get(key);
    if (known !== undefined) return known.channel;
    const views = wanted.flatMap((one) => this.#viewOf(one) ?? []);
    const channel = new BatchChannel(views, everyMs, {
      ...this.#parts,
      nextNumber: () => {
        this.#made += 1;
        return this.#made;
      },
    });
    this.#open.set(key, { channel, names: wanted.map(({ view }) => view) });
    return channel;
  }

  /** Call a few times a second. Channels that nobody watches end. */
  tick(): void {
    for (const [key, { channel }] of this.#open) {
      channel.tick();
      if (channel.viewers > 0) continue;
      channel.close(null);
      this.#open.delete(key);
    }
    for (const routers of this.#routers.values()) {
      for (const [columns, router] of routers) {
        if (!router.idle) continue;
        router.stop();
        routers.delete(columns);
      }
    }
  }

  /** Ends all channels and their viewers' connections. */
  close(reason: CloseCode): void {
    this.#unwatch();
    for (const { channel } of this.#open.values()) channel.close(reason);
    this.#open.clear();
  }

  #problem(wanted: readonly ViewWanted[]): NoChannel | null {
    for (const { view: name, where } of wanted) {
      const view = this.#views.get(name);
      if (view === undefined && this.#views.discovered === false) {
        return { code: 'unavailable', message: 'the list of views is not known yet' };
      }
      if (view === undefined || view.state === 'gone') {
        const names = this.#views.all().map((one) => one.name);
        const message = `no view is named ${JSON.stringify(name)}; there are ${names.join(', ')}`;
        return { code: 'unknown_view', message };
      }
      // A view that hydrates has no columns yet: it is asked again when it has.
      if (view.frontier === null) continue;
      const columns = view.columns.map((column) => column.name);
      const odd = Object.keys(where ?? {}).find((column) => !columns.includes(column));
      if (odd !== undefined) {
        const message = `${name} has no column ${JSON.stringify(odd)}, but ${columns.join(', ')}`;
        return { code: 'unknown_column', message };
      }
    }
    return null;
  }

  #viewOf({ view: name, where }: ViewWanted): LiveView | undefined {
    const view = this.#views.get(name);
    const entries = sorted(where);
    if (view === undefined || entries.length === 0) return view;
    const columns = entries.map(([column]) => column);
    const routers = this.#routers.get(view) ?? new Map<string, FilterRouter>();
    this.#routers.set(view, routers);
    const key = JSON.stringify(columns);
    const router = routers.get(key) ?? new FilterRouter(view, columns);
    routers.set(key, router);
    return router.slice(entries.map(([, value]) => value));
  }

  #removed(view: LiveView): void {
    for (const [key, { channel, names }] of this.#open) {
      if (!names.includes(view.name)) continue;
      channel.close(null);
      this.#open.delete(key);
    }
    for (const router of this.#routers.get(view)?.values() ?? []) router.stop();
    this.#routers.delete(view);
  }
}

const sorted = (where: Readonly<Record<string, Json>> = {}): readonly (readonly [string, Json])[] =>
  Object.entries(where).sort(([a], [b]) => (a < b ? -1 : 1));
