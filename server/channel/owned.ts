import type { Changes } from '../../protocol/update.ts';
import { type HeldPoint, positionOf } from './batch-member.ts';
import { encodeBatch } from './batch-message.ts';
import type { Group, Missing } from './group.ts';
import type { Position } from './position.ts';

/** What one viewer alone is sent: the parts of a batch or of the snapshot, up to the position. */
export interface OwnMessages {
  readonly kind: 'batch' | 'snapshot';
  readonly parts: readonly Uint8Array[];
}

/** What a viewer is sent first, and why it is no batch where it asked for one. */
export interface First {
  readonly own: OwnMessages;
  readonly reason?: 'expired' | 'epoch' | 'smaller';
}

/** Positions whose batches are kept; the rest are encoded as they are asked for. */
const MOST_KEPT = 64;

/**
 * What single viewers of a channel are sent in one epoch, encoded once for as long as the group's
 * position stands: many come back at once, and often from the same position.
 */
export class Owned {
  readonly #group: Group;
  readonly #channel: number;
  #position: Position | null = null;
  readonly #messages = new Map<string, OwnMessages>();

  /** `channel` is the number that the messages bear. */
  constructor(group: Group, channel: number) {
    this.#group = group;
    this.#channel = channel;
  }

  /** All rows at the group's position. */
  snapshot(): OwnMessages {
    return this.#keep('snapshot', () => {
      const { position: upper } = this.#group;
      const changes = this.#group.rows();
      const parts = encodeBatch({ channel: this.#channel, lower: null, upper, changes });
      return { kind: 'snapshot', parts };
    });
  }

  /** What leads from an earlier position of this epoch to the present one. */
  since(held: Position): OwnMessages {
    const missing = this.#group.since(held);
    return missing.kind === 'changes' ? this.#batch(held, missing.changes) : this.snapshot();
  }

  /** For a viewer that comes and says what it holds; `missing` is null where that is no help. */
  first(from: HeldPoint | undefined, missing: Missing | null): First {
    if (from === undefined) return { own: this.snapshot() };
    if (missing === null) return { own: this.snapshot(), reason: 'epoch' };
    if (missing.kind !== 'changes') return { own: this.snapshot(), reason: 'expired' };
    const own = this.#batch(positionOf(from), missing.changes);
    return own.kind === 'batch' ? { own } : { own, reason: 'smaller' };
  }

  /** The batch from `held` to the group's position, or the snapshot when that is smaller. */
  #batch(held: Position, changes: ReadonlyMap<string, Changes>): OwnMessages {
    return this.#keep(JSON.stringify(held), () => {
      const { position: upper, rowCount } = this.#group;
      const lower = held.frontier;
      const parts = encodeBatch({ channel: this.#channel, lower, upper, changes });
      // Encoding all rows is worth it only where there are about as many changes.
      if (rowsIn(changes) > rowCount) {
        const snapshot = this.snapshot();
        if (sizeOf(snapshot.parts) < sizeOf(parts)) return snapshot;
      }
      return { kind: 'batch', parts };
    });
  }

  #keep(key: string, encode: () => OwnMessages): OwnMessages {
    const { position } = this.#group;
    if (this.#position !== position) {
      this.#position = position;
      this.#messages.clear();
    }
    const own = this.#messages.get(key) ?? encode();
    if (key === 'snapshot' || this.#messages.size < MOST_KEPT) this.#messages.set(key, own);
    return own;
  }
}

/** The bytes of some messages. */
export const sizeOf = (messages: readonly Uint8Array[]): number =>
  messages.reduce((sum, { byteLength }) => sum + byteLength, 0);

const rowsIn = (changes: ReadonlyMap<string, Changes>): number =>
  [...changes.values()].reduce((sum, { size }) => sum + size, 0);
