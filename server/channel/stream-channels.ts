import { CLOSE, type CloseCode } from '../../protocol/close.ts';
import type { Behind } from './member.ts';
import { StreamChannel, type StreamChannelParts } from './stream-channel.ts';
import type { LiveView, Views } from './view.ts';

/** The stream channels of all views that are served, kept in step with them. */
export class StreamChannels {
  readonly #views: Views;
  readonly #parts: StreamChannelParts;
  readonly #channels = new Map<string, StreamChannel>();
  readonly #unwatch: () => void;
  /** Topics are never used again, so that nobody hears another view of the same name. */
  #made = 0;

  constructor(views: Views, parts: StreamChannelParts) {
    this.#views = views;
    this.#parts = parts;
    for (const view of views.all()) this.#add(view);
    this.#unwatch = views.watch({
      added: (view) => this.#add(view),
      removed: (view) => this.#remove(view.name, CLOSE.viewGone),
    });
  }

  /** The channel of a view that can be watched now; undefined when there is none or it is gone. */
  get(name: string): StreamChannel | undefined {
    const channel = this.#channels.get(name);
    return channel?.view.state === 'gone' ? undefined : channel;
  }

  /** Whether the list of views is known: until it is, any name may yet be one. */
  get known(): boolean {
    return this.#views.discovered ?? true;
  }

  /** All channels by name, gone views among them. */
  all(): readonly StreamChannel[] {
    return [...this.#channels.values()].sort((a, b) => (a.view.name < b.view.name ? -1 : 1));
  }

  /** The viewers of all channels that are behind. */
  behind(): readonly Behind[] {
    return [...this.#channels.values()].flatMap((channel) => channel.behind());
  }

  /** To be called about once a second. */
  tick(): void {
    for (const channel of this.#channels.values()) channel.tick();
  }

  /** Ends all channels and their viewers' connections. */
  close(reason: CloseCode): void {
    this.#unwatch();
    for (const name of [...this.#channels.keys()]) this.#remove(name, reason);
  }

  #add(view: LiveView): void {
    this.#remove(view.name, CLOSE.viewGone);
    this.#made += 1;
    const topic = `stream ${this.#made}`;
    this.#channels.set(view.name, new StreamChannel(view, topic, this.#parts));
  }

  #remove(name: string, reason: CloseCode): void {
    this.#channels.get(name)?.close(reason);
    this.#channels.delete(name);
  }
}
