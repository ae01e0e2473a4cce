import type { CloseAdvice } from '../protocol/close-advice.ts';
import { backoffMs } from './backoff.ts';

/**
 * The life of a connection, without socket, clock or chance: what happens goes in, what is to be
 * done comes out. The table at the end decides every event in every state.
 *
 *     waiting ──timer, wake──▶ authorizing ──token──▶ opening ──opened──▶ open
 *        ▲                          │                    │                 │
 *        └───── refused, lost, timer (deadline) ─────────┴─────────────────┘
 *
 * `closed` is for good: asked for, or a close that forbids coming back.
 */
export type StateName = 'waiting' | 'authorizing' | 'opening' | 'open' | 'closed';

/** Where a connection stands. */
export interface ConnectionState {
  readonly name: StateName;
  /** Attempts that failed in a row; 0 again when something useful was heard. */
  readonly failures: number;
  /** Whether the server asked for the present wait: then a wake does not shorten it. */
  readonly advised: boolean;
}

/** What happens to a connection. */
export type ConnectionEvent =
  /** The first attempt, or somebody looks again. */
  | { readonly type: 'wake' }
  /** The network is back: what was under way before may be dead without saying so. */
  | { readonly type: 'online' }
  /** The one timer has run out; `busy` when an answer or news is awaited. */
  | { readonly type: 'timer'; readonly busy: boolean }
  | { readonly type: 'token' }
  | { readonly type: 'refused' }
  | { readonly type: 'opened' }
  /** Any message; `useful` when it proves more than that a server answers. */
  | { readonly type: 'heard'; readonly useful: boolean }
  /** After a time in which nothing was awaited, something is. */
  | { readonly type: 'asked' }
  /** The socket closed, or what came over it broke the protocol. */
  | { readonly type: 'lost'; readonly advice: CloseAdvice }
  | { readonly type: 'stop' };

/** What is to be done, in order. */
export type Effect =
  | 'authorize'
  | 'open'
  /** Drops the socket, if there is one; nothing of it is heard any more. */
  | 'drop'
  | 'up'
  | 'down'
  /** A timer of so many milliseconds; it takes the place of the one that runs. */
  | number
  | 'untimer';

/** What does not change over a connection's life, and chance. */
export interface Circumstances {
  /** Whether a token is to be fetched before each attempt. */
  readonly needsToken: boolean;
  /** A number from 0 to below 1. */
  random(): number;
}

/** A state and what is to be done on the way to it. */
export interface Step {
  readonly state: ConnectionState;
  readonly effects: readonly Effect[];
}

/** How long a token or a connection may take, in milliseconds. */
export const CONNECT_MS = 10_000;
/** How long a server may be silent while something is awaited (PROTOCOL.md, "Closing"). */
export const SILENCE_MS = 40_000;

/** Before the first event, which is `wake`. */
export const INITIAL: ConnectionState = { name: 'waiting', failures: 0, advised: false };

/** Decides one event. */
export function step(
  state: ConnectionState,
  event: ConnectionEvent,
  circumstances: Circumstances,
): Step {
  const decide = TABLE[state.name][event.type] ?? stay;
  return decide(state, event, circumstances);
}

type Decide = (state: ConnectionState, event: ConnectionEvent, about: Circumstances) => Step;

/** Where nobody said otherwise: away, and back after the usual wait. */
export const NO_ADVICE: CloseAdvice = { reconnect: 'wait', retryMs: 0 };

const stay: Decide = (state) => ({ state, effects: [] });

const begin: Decide = (state, _event, { needsToken }) =>
  needsToken ? to(state, 'authorizing', ['authorize', CONNECT_MS]) : openSocket(state);

const openNow: Decide = (state) => openSocket(state);

const wake: Decide = (state, event, about) =>
  state.advised ? stay(state, event, about) : begin(state, event, about);

const restart: Decide = (state, event, about) => {
  const { state: next, effects } = begin(state, event, about);
  return { state: next, effects: ['drop', ...downFrom(state), ...effects] };
};

const up: Decide = (state) => to(state, 'open', [SILENCE_MS, 'up']);

const listen: Decide = (state, event) => ({
  state: event.type === 'heard' && event.useful ? { ...state, failures: 0 } : state,
  effects: [SILENCE_MS],
});

/** The attempt failed, or the connection did. */
const fail: Decide = (state, event, { needsToken, random }) => {
  const advice = event.type === 'lost' ? event.advice : NO_ADVICE;
  const down = downFrom(state);
  if (advice.reconnect === 'no' || (advice.reconnect === 'token' && !needsToken)) {
    return to(state, 'closed', ['untimer', 'drop', ...down]);
  }
  const ms = Math.max(advice.retryMs, backoffMs(state.failures, random()));
  return {
    state: { name: 'waiting', failures: state.failures + 1, advised: advice.retryMs > 0 },
    effects: ['drop', ...down, ms],
  };
};

const deadline: Decide = (state, event, about) =>
  event.type === 'timer' && !event.busy ? listen(state, event, about) : fail(state, event, about);

const stop: Decide = (state) => to(state, 'closed', ['untimer', 'drop', ...downFrom(state)]);

function downFrom({ name }: ConnectionState): readonly Effect[] {
  return name === 'open' ? ['down'] : [];
}

function to(state: ConnectionState, name: StateName, effects: readonly Effect[]): Step {
  return { state: { ...state, name, advised: false }, effects };
}

function openSocket(state: ConnectionState): Step {
  return to(state, 'opening', ['open', CONNECT_MS]);
}

/** What is not named here changes nothing. */
const TABLE: Readonly<
  Record<StateName, Readonly<Partial<Record<ConnectionEvent['type'], Decide>>>>
> = {
  waiting: { online: wake, wake, timer: begin, stop },
  authorizing: { online: restart, timer: fail, token: openNow, refused: fail, stop },
  opening: { online: restart, timer: fail, opened: up, lost: fail, stop },
  open: { online: restart, timer: deadline, heard: listen, asked: listen, lost: fail, stop },
  closed: {},
};
