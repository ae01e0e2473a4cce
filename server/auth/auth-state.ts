/**
 * The states of one connection where tokens are on:
 *
 *     waiting ──token──▶ verifying ──granted──▶ granted ◀──granted, unavailable── refreshing
 *        │ late              │ late, refused,     │ ───────────token───────────▶     │
 *        ▼                   ▼ unavailable        ▼ expired                          ▼ refused, expired
 *     closed ◀──────────────────────────────────────────────────────────────────────────
 *
 * While a fresh token is being verified the grant of the one before holds.
 */
export type State = 'waiting' | 'verifying' | 'granted' | 'refreshing' | 'closed';

/** What happens: a token comes and is judged, a deadline passes, the connection is gone. */
export type Event = 'token' | 'granted' | 'refused' | 'unavailable' | 'late' | 'expired' | 'gone';

/** What is to be done about it. */
export type Effect =
  | 'none'
  | 'adopt'
  | 'say-unavailable'
  | 'close-late'
  | 'close-refused'
  | 'close-unavailable'
  | 'forget';

type Step = readonly [state: State, effect: Effect];

const gone: Step = ['closed', 'forget'];
const over: Step = ['closed', 'none'];

const NEXT: Readonly<Record<State, Readonly<Record<Event, Step>>>> = {
  waiting: {
    token: ['verifying', 'none'],
    granted: ['waiting', 'none'],
    refused: ['waiting', 'none'],
    unavailable: ['waiting', 'none'],
    late: ['closed', 'close-late'],
    expired: ['waiting', 'none'],
    gone,
  },
  verifying: {
    token: ['verifying', 'none'],
    granted: ['granted', 'adopt'],
    refused: ['closed', 'close-refused'],
    unavailable: ['closed', 'close-unavailable'],
    late: ['closed', 'close-late'],
    expired: ['verifying', 'none'],
    gone,
  },
  granted: {
    token: ['refreshing', 'none'],
    granted: ['granted', 'none'],
    refused: ['granted', 'none'],
    unavailable: ['granted', 'none'],
    late: ['granted', 'none'],
    expired: ['closed', 'close-refused'],
    gone,
  },
  refreshing: {
    token: ['refreshing', 'none'],
    granted: ['granted', 'adopt'],
    refused: ['closed', 'close-refused'],
    unavailable: ['granted', 'say-unavailable'],
    late: ['refreshing', 'none'],
    expired: ['closed', 'close-refused'],
    gone,
  },
  closed: {
    token: over,
    granted: over,
    refused: over,
    unavailable: over,
    late: over,
    expired: over,
    gone: over,
  },
};

/** What follows; total, so that a new state or event does not compile until it is decided. */
export const next = (state: State, event: Event): Step => NEXT[state][event];
