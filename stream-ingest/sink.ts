import type { InputState } from './arrival.ts';
import type { ItemBatch } from './batcher.ts';

/**
 * Where changes go: the engine's tables, or Kafka. After a crash at any moment a sink's position says
 * exactly what it holds, so that nothing is lost and nothing comes twice. Losing the other side only
 * makes writing wait.
 */
export interface Sink {
  /** Connects and says what is there. @throws {StoreError} when it cannot be used. */
  open(): Promise<Stored>;
  /** Resolves when the batch and its last position are there for good, together. */
  write(batch: ItemBatch): Promise<void>;
  /** Stores how the input stands; of several waiting states only the last is written. */
  tell(state: InputState): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** What a sink holds already. */
export interface Stored {
  readonly position: string | null;
  /** Of the newest changes, newest last, at most 10,000. */
  readonly newestIds: readonly string[];
}

/** What happens besides writing; for the log. */
export type SinkNotice =
  | { readonly kind: 'away'; readonly reason: string }
  | { readonly kind: 'back' }
  /** One change that the sink refuses by its values, or a view by its own error. */
  | { readonly kind: 'rejected'; readonly metaId: string; readonly reason: string };
