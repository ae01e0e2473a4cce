import type { ResumeToken } from './resume-token.ts';

/**
 * What one viewer is owed, and when it is given up (design of slow viewers, PROTOCOL.md "Slow
 * viewers"). A viewer costs what is buffered for it and nothing else: while it lags, no batch is
 * queued for it, only the position it holds is remembered.
 *
 *   waiting ──first message──▶ live ──more than highBytes buffered──▶ lagging
 *                               ▲                                        │
 *                               └──── fewer than lowBytes: catch up ─────┤
 *                                                                        └─ lagMs over: close
 *
 * A viewer whose own first snapshot exceeds `highBytes` is hydrating: the same as lagging, but its
 * time counts from the last byte that drained, as nobody is slow for having much to read.
 */
export type OutboxState =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'live' }
  | {
      readonly kind: 'lagging';
      /** What the viewer holds once its buffer is drained. */
      readonly held: ResumeToken;
      readonly hydrating: boolean;
      readonly sinceMs: number;
      readonly bufferedBytes: number;
    };

export interface OutboxLimits {
  /** A viewer with more than this buffered leaves the live messages. */
  readonly highBytes: number;
  /** A lagging viewer with fewer than this buffered catches up. */
  readonly lowBytes: number;
  /** A viewer lagging for so long is closed. */
  readonly lagMs: number;
}

export const defaultOutboxLimits: OutboxLimits = {
  highBytes: 256 * 1024,
  lowBytes: 64 * 1024,
  lagMs: 60_000,
};

export type OutboxAction = 'none' | 'leave' | 'catch-up' | 'close';

/** The state of all who are live. */
export const live: OutboxState = { kind: 'live' };

/** The state after what was sent: live, or lagging at once when that filled the buffer. */
export function afterSending(
  held: ResumeToken,
  bufferedBytes: number,
  nowMs: number,
  limits: OutboxLimits,
  hydrating: boolean,
): OutboxState {
  return bufferedBytes > limits.highBytes
    ? { kind: 'lagging', held, hydrating, sinceMs: nowMs, bufferedBytes }
    : live;
}

/**
 * Looks at a viewer's buffer: what to do now and the state until then. `held` is what a live
 * viewer holds. After `catch-up` the caller sends and asks {@link afterSending}.
 */
export function observe(
  state: OutboxState,
  held: ResumeToken,
  bufferedBytes: number,
  nowMs: number,
  limits: OutboxLimits,
): { readonly state: OutboxState; readonly action: OutboxAction } {
  switch (state.kind) {
    case 'waiting':
      return { state, action: 'none' };
    case 'live': {
      const next = afterSending(held, bufferedBytes, nowMs, limits, false);
      return { state: next, action: next.kind === 'live' ? 'none' : 'leave' };
    }
    case 'lagging': {
      if (bufferedBytes < limits.lowBytes) return { state, action: 'catch-up' };
      const moved = state.hydrating && bufferedBytes < state.bufferedBytes;
      const sinceMs = moved ? nowMs : state.sinceMs;
      const action = nowMs - sinceMs >= limits.lagMs ? 'close' : 'none';
      return { state: { ...state, sinceMs, bufferedBytes }, action };
    }
  }
}
