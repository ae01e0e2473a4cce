import { Acknowledger } from './acknowledger.ts';
import type { Access } from './candidates/candidate.ts';
import {
  checkFilter,
  checkMessages,
  checkSession,
  checkSingles,
  type MessageCheck,
} from './message-check.ts';
import type { Counts, LoadCommand, Wanted } from './messages.ts';
import { Viewer } from './viewer.ts';

/** Connections being made at once. */
const AT_ONCE = 1_000;
/** A burst's messages are there in less, however slow the machine. */
const PATIENCE_MS = 60_000;
/** Who is lost before it is greeted comes again after so long, as a client does. */
const AGAIN_MS = 500;

type Connecting = LoadCommand & { readonly do: 'connect' };

interface Wait {
  readonly done: () => boolean;
  readonly resolve: () => void;
}

/** Viewers of one candidate that act together. */
export class ViewerGroup {
  readonly #access: Access;
  readonly #viewers: Viewer[] = [];
  /** What each viewer was last seen to have, so that sums need no loop. */
  readonly #seen = new Map<Viewer, number>();
  readonly #ready = new Set<Viewer>();
  /** One for all where they share a channel, else one for each that reads. */
  readonly #acknowledgers: Acknowledger[] = [];
  #messages = 0;
  #closed = 0;
  #lost = 0;
  #ending = '';
  #checked = 0;
  /** The last batch that each checked viewer holds. */
  readonly #held = new Map<number, number>();
  #fault: string | null = null;
  #joinedMs = 0;
  #wait: Wait | null = null;

  constructor(access: Access) {
    this.#access = access;
  }

  /** Connects all, some at once; resolves when each has its greeting. */
  async connect(how: Connecting): Promise<void> {
    const { viewers } = how;
    const startMs = performance.now();
    for (let at = 0; at < viewers; at++) {
      await this.#until(() => at - this.#ready.size < AT_ONCE);
      this.#join(at, how);
    }
    await this.#until(() => this.#ready.size >= viewers || this.#lost > viewers);
    this.#joinedMs = performance.now() - startMs;
    if (this.#ready.size < viewers) throw new Error(`viewers cannot connect: ${this.#ending}`);
  }

  /**
   * Resolves when the viewers have that many messages together, since they joined.
   *
   * @throws when a message is wrong, or all have not come within {@link PATIENCE_MS}.
   */
  async receive(messages: number): Promise<void> {
    let late = false;
    const fuse = setTimeout(() => {
      late = true;
      this.#look();
    }, PATIENCE_MS);
    await this.#until(() => late || this.#received() >= messages || this.#fault !== null);
    clearTimeout(fuse);
    if (this.#fault !== null) throw new Error(`a viewer got what was not due: ${this.#fault}`);
    if (this.#received() >= messages) return;
    const { least, most, closed, ending } = this.counts();
    const came = `${this.#received()} of ${messages} messages came, ${least}–${most} to each`;
    throw new Error(`${came}; ${closed} viewers are gone (${ending})`);
  }

  pause(): void {
    for (const viewer of this.#viewers) viewer.pause();
  }

  unpause(): void {
    for (const viewer of this.#viewers) viewer.unpause();
  }

  /** Cuts all; of no use afterwards. */
  cut(): void {
    for (const acknowledger of this.#acknowledgers) acknowledger.stop();
    for (const viewer of this.#viewers) viewer.cut();
  }

  counts(): Counts {
    const { greeting } = this.#access;
    const each = this.#viewers.map(({ messages }) => messages - greeting);
    return {
      open: this.#viewers.length - this.#closed,
      closed: this.#closed,
      lost: this.#lost,
      ending: this.#ending,
      messages: this.#received(),
      least: each.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
      most: each.reduce((a, b) => Math.max(a, b), 0),
      bytes: this.#viewers.reduce((sum, { bytes }) => sum + bytes, 0),
      checked: this.#checked,
      held: Math.min(...this.#held.values()),
      fault: this.#fault,
      joinedMs: this.#joinedMs,
    };
  }

  #received(): number {
    return this.#messages - this.#viewers.length * this.#access.greeting;
  }

  #join(at: number, how: Connecting): void {
    const { wanted, checkEvery, gaps } = how;
    const own = wanted[at % wanted.length] ?? {};
    const checked = checkEvery > 0 && at % checkEvery === 0;
    const acknowledger = this.#acknowledgerFor(checked);
    const check = checked ? this.#check(at, own, gaps, acknowledger) : null;
    const moved = (one: Viewer): void => {
      acknowledger?.moved(one);
      this.#moved(one);
    };
    const closed = (one: Viewer): void => this.#left(one, () => this.#join(at, how));
    const viewer = new Viewer(this.#access, own, { moved, closed }, check);
    this.#seen.set(viewer, 0);
    this.#viewers[at] = viewer;
  }

  #acknowledgerFor(checked: boolean): Acknowledger | null {
    const { acknowledges, check } = this.#access;
    if (!acknowledges) return null;
    const shared = check === 'filter' ? undefined : this.#acknowledgers[0];
    if (shared !== undefined || (check === 'filter' && !checked)) return shared ?? null;
    const made = new Acknowledger();
    this.#acknowledgers.push(made);
    return made;
  }

  #check(
    at: number,
    wanted: Wanted,
    gaps: boolean,
    acknowledger: Acknowledger | null,
  ): (text: string) => void {
    const check = checkFor(this.#access.check, wanted, gaps);
    this.#held.set(at, 0);
    return (text) => {
      this.#checked += 1;
      acknowledger?.heard(text);
      try {
        this.#held.set(at, check(text));
      } catch (error) {
        this.#fault ??= error instanceof Error ? error.message : String(error);
      }
    };
  }

  #moved(viewer: Viewer): void {
    const before = this.#seen.get(viewer) ?? 0;
    const now = viewer.messages;
    this.#messages += now - before;
    this.#seen.set(viewer, now);
    if (before < this.#access.greeting || before === 0) this.#greet(viewer);
    this.#look();
  }

  #greet(viewer: Viewer): void {
    if (viewer.messages >= this.#access.greeting) this.#ready.add(viewer);
  }

  #left(viewer: Viewer, again: () => void): void {
    this.#ending = viewer.ending;
    if (this.#ready.has(viewer)) this.#closed += 1;
    else {
      this.#lost += 1;
      setTimeout(again, AGAIN_MS);
    }
    this.#look();
  }

  #look(): void {
    if (this.#wait === null || !this.#wait.done()) return;
    const { resolve } = this.#wait;
    this.#wait = null;
    resolve();
  }

  async #until(done: () => boolean): Promise<void> {
    if (done()) return;
    await new Promise<void>((resolve) => {
      this.#wait = { done, resolve };
    });
  }
}

function checkFor(kind: Access['check'], { from, where }: Wanted, gaps: boolean): MessageCheck {
  switch (kind) {
    case 'single':
      return checkSingles();
    case 'stream':
      return checkMessages(from?.batch ?? null, gaps);
    case 'session':
      return checkSession(from?.batch ?? null);
    case 'filter':
      return checkFilter(where?.user ?? '');
  }
}
