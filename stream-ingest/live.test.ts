import { expect, test } from 'vitest';
import {
  type Behaviour,
  type StandInEvent,
  type StandInOptions,
  startStandIn,
} from '../tests/wikimedia-stand-in.ts';
import { type LiveNotice, readLive } from './live.ts';
import { reachable } from './reachable.ts';
import { virtualClock } from './virtual-clock.ts';

const startMs = Date.UTC(2021, 7, 27);
const agent = 'viewcast/test (test@example.org)';

/** `count` events, ten seconds apart. */
function eventsOf(count: number): readonly StandInEvent[] {
  return Array.from({ length: count }, (_, n) => ({
    json: `{"meta":{"id":"e${n}"}}`,
    atMs: startMs + n * 10_000,
  }));
}

interface Given {
  readonly position?: string;
  readonly silenceMs?: number;
  readonly connectMs?: number;
}

/** Reads until the event `last` has come. */
async function readUntil(last: number, options: Partial<StandInOptions>, given: Given = {}) {
  const standIn = await startStandIn({ events: eventsOf(last + 1), ...options });
  const clock = virtualClock();
  const stop = new AbortController();
  const notices: LiveNotice[] = [];
  const texts: string[] = [];
  try {
    for await (const { json } of readLive({
      url: standIn.url,
      userAgent: agent,
      position: null,
      clock,
      random: () => 0.5,
      signal: stop.signal,
      onNotice: (notice) => notices.push(notice),
      ...given,
    })) {
      texts.push(json);
      if (json === `{"meta":{"id":"e${last}"}}`) break;
    }
  } finally {
    stop.abort();
    await standIn.close();
  }
  const states = notices.flatMap((notice) => (notice.kind === 'state' ? notice.state : []));
  return { texts, notices, states, slept: clock.slept, requests: standIn.requests };
}

/** The given behaviours for the first connections, then faultless streams. */
function script(...behaviours: readonly Behaviour[]) {
  return { behave: (n: number): Behaviour => behaviours[n] ?? { kind: 'stream' } };
}

test('an ordinary cut is followed by a resume a minute before, and told to no one', async () => {
  const { texts, states, slept, requests } = await readUntil(
    29,
    script({ kind: 'stream', endAfterEvents: 20 }, { kind: 'stream', cutAfterBytes: 900 }),
  );
  expect(new Set(texts).size).toBe(30);
  expect(states).toEqual(['connected']);
  expect(requests.map((each) => each.userAgent)).toEqual([agent, agent, agent]);
  expect(requests[0]?.lastEventId).toBeNull();
  const resumed: unknown = JSON.parse(requests[1]?.lastEventId ?? '');
  expect(resumed).toMatchObject([{ offset: -1 }, { timestamp: startMs + 190_000 + 1 - 60_000 }]);
  expect(slept.every((ms) => ms <= 500)).toBe(true);
});

test('a stored position is where it begins', async () => {
  const position = `[{"topic":"codfw.mediawiki.recentchange","partition":0,"timestamp":${startMs + 200_001}}]`;
  const { texts } = await readUntil(29, {}, { position });
  expect(texts).toHaveLength(15);
});

test('silence, an error of the stream and no answer are broken connections', async () => {
  const { states, notices } = await readUntil(
    9,
    script(
      { kind: 'stream', stallAfterBytes: 400 },
      { kind: 'stream', errorAfterEvents: 5 },
      { kind: 'mute' },
    ),
    { silenceMs: 400, connectMs: 400 },
  );
  // A busy machine may add time-outs of its own, so only what must be is asked for.
  expect(states).toContain('reconnecting');
  expect(states.at(-1)).toBe('connected');
  const reasons = notices.flatMap((each) => (each.kind === 'waiting' ? each.reason : [])).join();
  expect(reasons).toContain('no bytes for 400 ms');
  expect(reasons).toContain('reported an error');
  expect(reasons).toContain('no answer within 400 ms');
});

test('Retry-After is honoured, and back-off grows while nothing comes', async () => {
  const refuse = (status: number, headers = {}): Behaviour => ({ kind: 'refuse', status, headers });
  const { slept, states } = await readUntil(
    3,
    script(
      refuse(429, { 'retry-after': '70' }),
      refuse(503),
      refuse(503, { 'retry-after': '3' }),
      refuse(503),
    ),
  );
  expect(slept).toEqual([70_250, 500, 4_000, 2_000]);
  expect(states).toEqual(['reconnecting', 'connected']);
});

test('a refusal of our agent is not hammered', async () => {
  const { slept } = await readUntil(3, script({ kind: 'refuse', status: 403 }));
  expect(slept).toEqual([60_000]);
});

test('a resume point that is refused is given up, one that is forgotten shows a gap', async () => {
  const refused = await readUntil(
    9,
    script({ kind: 'stream', endAfterEvents: 5 }, { kind: 'refuse', status: 400 }),
  );
  expect(refused.requests.map((each) => each.lastEventId === null)).toEqual([true, false, true]);
  const position = `[{"topic":"codfw.mediawiki.recentchange","partition":0,"timestamp":1000}]`;
  const forgotten = await readUntil(9, script({ kind: 'stream', forgetful: true }), { position });
  expect(forgotten.notices.filter((each) => each.kind === 'gap')).toEqual([
    { kind: 'gap', fromMs: 1000, toMs: startMs + 1 },
  ]);
  expect(refused.notices.filter((each) => each.kind === 'gap')).toEqual([]);
});

test('a stop while waiting for bytes ends the stream', async () => {
  const standIn = await startStandIn({ events: [] });
  const stop = new AbortController();
  const stream = readLive({
    url: standIn.url,
    userAgent: agent,
    position: null,
    clock: virtualClock(),
    random: () => 0,
    signal: stop.signal,
    onNotice: () => stop.abort(),
  });
  expect(await stream.next()).toEqual({ done: true, value: undefined });
  expect(standIn.requests).toHaveLength(1);
  await standIn.close();
});

test('reachable is what answers, were it only to ask for patience', async () => {
  const answers: [Behaviour, boolean][] = [
    [{ kind: 'stream' }, true],
    [{ kind: 'refuse', status: 429 }, true],
    [{ kind: 'refuse', status: 403 }, false],
    [{ kind: 'refuse', status: 503 }, false],
    [{ kind: 'mute' }, false],
  ];
  const standIn = await startStandIn({
    events: eventsOf(1),
    behave: (n) => answers[n]?.[0] ?? { kind: 'mute' },
  });
  for (const [behaviour, expected] of answers) {
    const answer = await reachable(standIn.url, behaviour.kind === 'mute' ? 200 : 10_000, agent);
    expect(answer.reachable, JSON.stringify(behaviour)).toBe(expected);
  }
  await standIn.close();
  expect(await reachable(standIn.url, 5_000, agent)).toMatchObject({ reachable: false });
});
