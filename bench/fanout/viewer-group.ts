import type { Access } from './candidates/candidate.ts';
import { checkMessages, checkSingles } from './message-check.ts';
import type { Counts, LoadCommand } from './messages.ts';
import { Viewer } from './viewer.ts';

/** Connections being made at once. */
const AT_ONCE = 256;

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
  #messages = 0;
  readonly #ready = new Set<Viewer>();
  #closed = 0;
  #checked = 0;
  /** The last batch that each checked viewer holds. */
  readonly #held: number[] = [];
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
      await this.#until(() => at - this.#ready.size - this.#closed < AT_ONCE);
      this.#add(how);
    }
    await this.#until(() => this.#ready.size + this.#closed >= viewers);
    this.#joinedMs = performance.now() - startMs;
    if (this.#closed > 0) throw new Error(`${this.#closed} of ${viewers} viewers were refused`);
  }

  /** Resolves when the viewers have that many batches together, since they joined. */
  async receive(deliveries: number): Promise<void> {
    await this.#until(() => this.#deliveries() >= deliveries || this.#fault !== null);
    if (this.#fault !== null) throw new Error(`a viewer got what was not due: ${this.#fault}`);
  }

  pause(): void {
    for (const viewer of this.#viewers) viewer.pause();
  }

  unpause(): void {
    for (const viewer of this.#viewers) viewer.unpause();
  }

  cut(): void {
    for (const viewer of this.#viewers) viewer.cut();
  }

  counts(): Counts {
    const { greeting } = this.#access;
    const each = this.#viewers.map(({ messages }) => messages - greeting);
    return {
      open: this.#viewers.length - this.#closed,
      closed: this.#closed,
      deliveries: this.#deliveries(),
      least: each.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
      most: each.reduce((a, b) => Math.max(a, b), 0),
      bytes: this.#viewers.reduce((sum, { bytes }) => sum + bytes, 0),
      checked: this.#checked,
      held: this.#held.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
      fault: this.#fault,
      joinedMs: this.#joinedMs,
    };
  }

  #deliveries(): number {
    return this.#messages - this.#viewers.length * this.#access.greeting;
  }

  #add({ resume, checkEvery, gaps }: Connecting): void {
    const at = this.#viewers.length;
    const from = resume[at % resume.length];
    const check = at % checkEvery === 0 ? this.#check(from?.held ?? null, gaps) : null;
    const path = this.#access.path + (from?.query ?? '');
    const viewer = new Viewer(
      this.#access,
      path,
      { moved: this.#moved, closed: this.#left },
      check,
    );
    this.#seen.set(viewer, 0);
    this.#viewers.push(viewer);
  }

  #check(held: number | null, gaps: boolean): (text: string) => void {
    const check = this.#access.snapshot ? checkMessages(held, gaps) : checkSingles();
    const at = this.#held.push(0) - 1;
    return (text) => {
      this.#checked += 1;
      try {
        this.#held[at] = check(text);
      } catch (error) {
        this.#fault ??= error instanceof Error ? error.message : String(error);
      }
    };
  }

  readonly #moved = (viewer: Viewer): void => {
    const before = this.#seen.get(viewer) ?? 0;
    const now = viewer.messages;
    this.#messages += now - before;
    this.#seen.set(viewer, now);
    if (!this.#ready.has(viewer) && now >= this.#access.greeting) this.#ready.add(viewer);
    this.#look();
  };

  readonly #left = (): void => {
    this.#closed += 1;
    this.#look();
  };

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
