import type { StreamWorld } from './stream-reader.ts';

/** How long the list of views may take, in ms. */
const CATALOGUE_MS = 5_000;

/** Where the streams of a server are, and with what to ask for them. */
export class StreamAddress {
  readonly #world: StreamWorld;
  readonly #base: URL;
  /** Presented with every request, where there is one. */
  token: string | undefined;

  /** @param url that of the protocol: the streams stand beside it. */
  constructor(world: StreamWorld, url: string) {
    this.#world = world;
    this.#base = new URL(url);
    this.#base.protocol = this.#base.protocol.replace('ws', 'http');
  }

  get headers(): Readonly<Record<string, string>> {
    return this.token === undefined ? {} : { authorization: `Bearer ${this.token}` };
  }

  /** The stream of a view, from a resume token on where there is one. */
  stream(view: string, from: string | null): URL {
    const url = new URL(`stream/${encodeURIComponent(view)}`, this.#base);
    if (from !== null) url.searchParams.set('from', from);
    return url;
  }

  /** Asks for the list of views. */
  async views(signal: AbortSignal): Promise<Response> {
    const hurry = new AbortController();
    const stopWaiting = this.#world.after(CATALOGUE_MS, () => hurry.abort());
    try {
      return await this.#world.fetch(new URL('views', this.#base), {
        headers: this.headers,
        signal: AbortSignal.any([signal, hurry.signal]),
      });
    } finally {
      stopWaiting();
    }
  }
}
