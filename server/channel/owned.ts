import type { Changes } from '../../protocol/update.ts';
import { type OwnMessages, sizeOf } from './audience.ts';
import { encodeBatch } from './batch-message.ts';
import type { Group, Position } from './group.ts';

/** Positions whose batches are kept; the rest are encoded as they are asked for. */
const MOST_KEPT = 64;

/**
 * What single viewers of a channel are sent, encoded once for as long as the group's position
 * stands: many come back at once, and often from the same position.
 */
export class Owned {
  #position: Position | null = null;
  readonly #messages = new Map<string, OwnMessages>();

  /** All rows at the group's position. */
  snapshot(group: Group, channel: number): OwnMessages {
    return this.#keep(group, 'snapshot', () => {
      const { position: upper } = group;
      const parts = encodeBatch({ channel, lower: null, upper, changes: group.rows() });
      return { kind: 'snapshot', parts };
    });
  }

  /** The batch from `held` to the group's position, or the snapshot when that is smaller. */
  batch(
    group: Group,
    channel: number,
    held: Position,
    changes: ReadonlyMap<string, Changes>,
  ): OwnMessages {
    return this.#keep(group, JSON.stringify(held), () => {
      const { position: upper } = group;
      const parts = encodeBatch({ channel, lower: held.frontier, upper, changes });
      // Encoding all rows is worth it only where there are about as many changes.
      if (rowsIn(changes) > group.rowCount) {
        const snapshot = this.snapshot(group, channel);
        if (sizeOf(snapshot.parts) < sizeOf(parts)) return snapshot;
      }
      return { kind: 'batch', parts };
    });
  }

  #keep(group: Group, key: string, encode: () => OwnMessages): OwnMessages {
    if (this.#position !== group.position) {
      this.#position = group.position;
      this.#messages.clear();
    }
    const own = this.#messages.get(key) ?? encode();
    if (key === 'snapshot' || this.#messages.size < MOST_KEPT) this.#messages.set(key, own);
    return own;
  }
}

const rowsIn = (changes: ReadonlyMap<string, Changes>): number =>
  [...changes.values()].reduce((sum, { size }) => sum + size, 0);
