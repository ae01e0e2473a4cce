import type { Frontier, Json } from '../../protocol/update.ts';

/** One message as somebody submits it. */
export interface Given {
  readonly topic: string;
  readonly id: string;
  readonly value: Json;
}

/** Why a message is not taken; with `retryMs` it may be asked again, under the same id. */
export interface Refused {
  readonly code: string;
  readonly message: string;
  readonly retryMs?: number;
}

interface Listener {
  accepted(): void;
  archived(timestamp: Frontier): void;
  refused(refusal: Refused): void;
}

/** What takes messages in; the server provides it by shape. */
export interface Intake {
  submit(given: Given, address: string, listener: Listener): () => void;
  /** As `submit`, for a message on its way or archived; null when nothing is known of it here. */
  watch(topic: string, id: string, listener: Listener): (() => void) | null;
  topics(): readonly string[];
}

/** How far a message came while it was waited for. */
export type Outcome =
  | { readonly state: 'archived'; readonly timestamp: Frontier }
  | { readonly state: 'accepted' | 'submitted' }
  | ({ readonly state: 'refused' } & Refused);

/** Without a word from where messages go, a request that names no time is answered after so long. */
const LIMIT_MS = 10_000;

/**
 * Submits a message and waits: until it is archived, `waitMs` at most, or where that is null until
 * it is accepted.
 */
export function takeIn(
  intake: Intake,
  given: Given,
  address: string,
  waitMs: number | null,
): Promise<Outcome> {
  return new Promise((resolve) => {
    let outcome: Outcome = { state: 'submitted' };
    let stop: (() => void) | null = null;
    let over = false;
    const end = (): void => {
      over = true;
      clearTimeout(limit);
      stop?.();
      resolve(outcome);
    };
    const limit = setTimeout(end, waitMs ?? LIMIT_MS);
    stop = intake.submit(given, address, {
      accepted: () => {
        outcome = { state: 'accepted' };
        // In this very turn it may be told archived, too.
        if (waitMs === null) queueMicrotask(end);
      },
      archived: (timestamp) => {
        outcome = { state: 'archived', timestamp };
        end();
      },
      refused: (refusal) => {
        outcome = { state: 'refused', ...refusal };
        end();
      },
    });
    if (over) stop();
  });
}

/** Where a message stands right now; null when nothing is known of it here. */
export function standingOf(intake: Intake, topic: string, id: string): Outcome | null {
  let outcome: Outcome = { state: 'submitted' };
  const stop = intake.watch(topic, id, {
    accepted: () => {
      outcome = { state: 'accepted' };
    },
    archived: (timestamp) => {
      outcome = { state: 'archived', timestamp };
    },
    refused: (refusal) => {
      outcome = { state: 'refused', ...refusal };
    },
  });
  stop?.();
  return stop === null ? null : outcome;
}
