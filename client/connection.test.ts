import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CONNECT_MS,
  type ConnectionEvent,
  type ConnectionState,
  type Effect,
  INITIAL,
  SILENCE_MS,
  type StateName,
  step,
} from './connection.ts';

const circumstances = { needsToken: true, random: () => 0 };
const lost = (reconnect: 'no' | 'wait' | 'token', retryMs = 0): ConnectionEvent => ({
  type: 'lost',
  advice: { reconnect, retryMs },
});

/** Every kind of event; the table below has a column for each. */
const EVENTS = {
  wake: { type: 'wake' },
  online: { type: 'online' },
  busy: { type: 'timer', busy: true },
  idle: { type: 'timer', busy: false },
  token: { type: 'token' },
  refused: { type: 'refused' },
  opened: { type: 'opened' },
  heard: { type: 'heard', useful: false },
  useful: { type: 'heard', useful: true },
  asked: { type: 'asked' },
  lost: lost('wait'),
  final: lost('no'),
  stop: { type: 'stop' },
} as const satisfies Readonly<Record<string, ConnectionEvent>>;

type Column = keyof typeof EVENTS;

/** What is to come of every event in every state: the next state and the effects, in order. */
const EXPECTED: Readonly<Record<StateName, Readonly<Record<Column, string>>>> = {
  waiting: {
    online: 'authorizing: authorize, timer 10000',
    wake: 'authorizing: authorize, timer 10000',
    busy: 'authorizing: authorize, timer 10000',
    idle: 'authorizing: authorize, timer 10000',
    token: 'waiting',
    refused: 'waiting',
    opened: 'waiting',
    heard: 'waiting',
    useful: 'waiting',
    asked: 'waiting',
    lost: 'waiting',
    final: 'waiting',
    stop: 'closed: untimer, drop',
  },
  authorizing: {
    online: 'authorizing: drop, authorize, timer 10000',
    wake: 'authorizing',
    busy: 'waiting: drop, timer 500',
    idle: 'waiting: drop, timer 500',
    token: 'opening: open, timer 10000',
    refused: 'waiting: drop, timer 500',
    opened: 'authorizing',
    heard: 'authorizing',
    useful: 'authorizing',
    asked: 'authorizing',
    lost: 'authorizing',
    final: 'authorizing',
    stop: 'closed: untimer, drop',
  },
  opening: {
    online: 'authorizing: drop, authorize, timer 10000',
    wake: 'opening',
    busy: 'waiting: drop, timer 500',
    idle: 'waiting: drop, timer 500',
    token: 'opening',
    refused: 'opening',
    opened: 'open: timer 40000, up',
    heard: 'opening',
    useful: 'opening',
    asked: 'opening',
    lost: 'waiting: drop, timer 500',
    final: 'closed: untimer, drop',
    stop: 'closed: untimer, drop',
  },
  open: {
    online: 'authorizing: drop, down, authorize, timer 10000',
    wake: 'open',
    busy: 'waiting: drop, down, timer 500',
    idle: 'open: timer 40000',
    token: 'open',
    refused: 'open',
    opened: 'open',
    heard: 'open: timer 40000',
    useful: 'open: timer 40000',
    asked: 'open: timer 40000',
    lost: 'waiting: drop, down, timer 500',
    final: 'closed: untimer, drop, down',
    stop: 'closed: untimer, drop, down',
  },
  closed: {
    online: 'closed',
    wake: 'closed',
    busy: 'closed',
    idle: 'closed',
    token: 'closed',
    refused: 'closed',
    opened: 'closed',
    heard: 'closed',
    useful: 'closed',
    asked: 'closed',
    lost: 'closed',
    final: 'closed',
    stop: 'closed',
  },
};

const told = (state: ConnectionState, effects: readonly Effect[]): string => {
  const done = effects.map((effect) => (typeof effect === 'number' ? `timer ${effect}` : effect));
  return done.length === 0 ? state.name : `${state.name}: ${done.join(', ')}`;
};

const cells = Object.entries(EXPECTED).flatMap(([name, row]) =>
  Object.entries(row).map(([event, expected]) => [name, event, expected] as const),
);

test.each(cells)('C6: %s on %s becomes %s', (name, event, expected) => {
  const state = { name: name as StateName, failures: 0, advised: false };
  const next = step(state, EVENTS[event as Column], circumstances);
  expect(told(next.state, next.effects)).toBe(expected);
});

test('without tokens a connection opens at once', () => {
  const next = step(INITIAL, EVENTS.wake, { ...circumstances, needsToken: false });
  expect(told(next.state, next.effects)).toBe(`opening: open, timer ${CONNECT_MS}`);
});

test('a refused token ends a connection that has no other', () => {
  const open = { name: 'open', failures: 0, advised: false } as const;
  const next = step(open, lost('token'), { ...circumstances, needsToken: false });
  expect(next.state.name).toBe('closed');
  expect(step(open, lost('token'), circumstances).state.name).toBe('waiting');
});

test('the wait is the longer of the back-off and what the server asks for', () => {
  const open = { name: 'open', failures: 3, advised: false } as const;
  const about = { needsToken: false, random: () => 0.999_999 };
  const own = step(open, lost('wait', 100), about).effects.at(-1);
  expect(own).toEqual(expect.closeTo(8_000, 0));
  expect(step(open, lost('wait', 9_000), about).effects.at(-1)).toBe(9_000);
});

test('a wake shortens the own wait, not one that the server asked for', () => {
  const open = { name: 'open', failures: 0, advised: false } as const;
  const own = step(open, lost('wait'), circumstances).state;
  const asked = step(open, lost('wait', 2_000), circumstances).state;
  expect(step(own, EVENTS.wake, circumstances).state.name).toBe('authorizing');
  expect(step(asked, EVENTS.wake, circumstances).state.name).toBe('waiting');
});

test('failures count until something useful is heard', () => {
  const walk = (events: readonly ConnectionEvent[]) =>
    events.reduce((state, event) => step(state, event, circumstances).state, INITIAL);
  const attempt = [EVENTS.idle, EVENTS.token, EVENTS.opened, EVENTS.heard, EVENTS.lost];
  expect(walk([...attempt, ...attempt]).failures).toBe(2);
  const useful = [EVENTS.idle, EVENTS.token, EVENTS.opened, EVENTS.useful, EVENTS.lost];
  expect(walk([...attempt, ...useful]).failures).toBe(1);
});

test('on any walk: one timer or the end, and every up has its down', () => {
  const events = fc.constantFrom(...Object.values(EVENTS));
  fc.assert(
    fc.property(
      fc.array(events, { maxLength: 60, size: 'max' }),
      fc.boolean(),
      (walk, needsToken) => {
        let state = INITIAL;
        let timer = true;
        let ups = 0;
        for (const event of walk) {
          if (event.type === 'timer') timer = false;
          const next = step(state, event, { needsToken, random: () => 0.5 });
          state = next.state;
          for (const effect of next.effects) {
            if (typeof effect === 'number') timer = effect <= SILENCE_MS;
            if (effect === 'untimer') timer = false;
            if (effect === 'up') ups += 1;
            if (effect === 'down') ups -= 1;
          }
          expect(timer).toBe(state.name !== 'closed');
          expect(ups).toBe(state.name === 'open' ? 1 : 0);
        }
      },
    ),
  );
});
