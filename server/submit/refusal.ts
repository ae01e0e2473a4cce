import type { ErrorCode } from '../../protocol/message.ts';

/** Why a message is not taken. With `retryMs` it may be asked again, under the same id. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryMs?: number;
}

const RETRY_MS = 1_000;

/** It cannot be taken now; this may pass by itself. */
export const unavailable = (message: string): Refusal => ({
  code: 'unavailable',
  message,
  retryMs: RETRY_MS,
});

/** As many are on their way as may be. */
export const overloaded: Refusal = {
  code: 'overloaded',
  message: 'as many messages are on their way as the server takes',
  retryMs: RETRY_MS,
};

/** Nothing of that name takes messages, or not here. */
export const unknownTopic = (message: string): Refusal => ({ code: 'unknown_topic', message });

/** The value does not fit its topic. */
export const invalidValue = (message: string): Refusal => ({ code: 'invalid_value', message });

/** The id is another message's. */
export const idConflict = (id: string): Refusal => ({
  code: 'id_conflict',
  message: `the id ${id} was used for another value before`,
});
