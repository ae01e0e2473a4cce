/**
 * The ids of the newest changes, to drop what Wikimedia sends again after a reconnect. A bounded
 * window: what is older falls to the unique index on `recentchange.meta_id`.
 */
export class KnownIds {
  readonly #ids = new Set<string>();
  readonly #limit: number;

  /** @param newestLast ids known already, such as those of the store's last rows. */
  constructor(newestLast: Iterable<string> = [], limit = 10_000) {
    this.#limit = limit;
    for (const id of newestLast) this.add(id);
  }

  /** Returns whether the id is new, and remembers it. O(1). */
  add(id: string): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    if (this.#ids.size > this.#limit) this.#dropOldest();
    return true;
  }

  #dropOldest(): void {
    for (const id of this.#ids) {
      this.#ids.delete(id);
      return;
    }
  }
}
