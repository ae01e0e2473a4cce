import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

const ledger = z.object({
  store: z.string(),
  applied: z.record(z.string(), z.string()),
});

/**
 * What was created from `sql/` in a store: names and the fingerprints of their statements. It tells
 * a view whose file was removed from one that somebody made by hand.
 */
export interface Ledger {
  /** The fingerprint a relation was created with; undefined when it did not come from `sql/`. */
  get(name: string): string | undefined;
  names(): readonly string[];
  /** Written to disk before it returns. */
  set(name: string, fingerprint: string): void;
  /** Written to disk before it returns. */
  delete(name: string): void;
}

/**
 * Opens the ledger in `file`. One of another store than `store` (the engine's identity) counts as
 * empty, and so does a missing or unreadable one: `apply` then recognises its views by their text.
 */
export function openLedger(file: string, store: string): Ledger {
  const read = readLedger(file);
  const applied = new Map(read?.store === store ? Object.entries(read.applied) : []);
  const save = (): void => {
    writeFileSync(`${file}.new`, JSON.stringify({ store, applied: Object.fromEntries(applied) }));
    renameSync(`${file}.new`, file);
  };
  return {
    get: (name) => applied.get(name),
    names: () => [...applied.keys()],
    set(name, fingerprint) {
      applied.set(name, fingerprint);
      save();
    },
    delete(name) {
      if (applied.delete(name)) save();
    },
  };
}

function readLedger(file: string): z.infer<typeof ledger> | undefined {
  try {
    return ledger.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

/** The same ledger for looking ahead: what is entered here is not kept. */
export function copyLedger(ledger: Ledger): Ledger {
  const entries = new Map(ledger.names().map((name) => [name, ledger.get(name) ?? '']));
  return {
    get: (name) => entries.get(name),
    names: () => [...entries.keys()],
    set: (name, fingerprint) => void entries.set(name, fingerprint),
    delete: (name) => void entries.delete(name),
  };
}
