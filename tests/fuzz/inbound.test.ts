import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Connection } from '../../conformance/connection.ts';
import type { Holding, Track } from '../../conformance/track.ts';
import { parseClientMessage } from '../../protocol/client-message.ts';
import { CLOSE, type CloseCode } from '../../protocol/close.ts';
import { BOUNDS, type ResumePoint, type Subscribe } from '../../protocol/message.ts';
import { rowText, rowValues } from '../../protocol/row.ts';
import type { Changes } from '../../protocol/update.ts';
import { defaultAdmissionLimits } from '../../server/admission.ts';
import { type FakeView, FakeViews } from '../../server/channel/fake-view.ts';
import type { Serving } from '../../server/serve-options.ts';
import { serveViews } from '../../server/serve-views.ts';
import { type Conversation, conversations, type Legal } from './conversation.ts';

/** Messages to be said (tests/full says 100,000), and how many connections say them at once. */
const CASES = Number(process.env.FUZZ_CASES ?? 15_000);
const AT_ONCE = 40;
/** Fewer than the average of a conversation, so that there are enough of them. */
const MESSAGES = 12;
const PATIENCE_MS = 60_000;
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

const views = new FakeViews();
let serving: Serving;
let mover: NodeJS.Timeout;
let url = '';
let failure: unknown = null;

beforeAll(() => {
  const rows = new Map(
    Array.from({ length: 20 }, (_, n) => [rowText([`user ${n}`, n % 4]), 1 + (n % 2)]),
  );
  for (const name of ['one', 'two']) {
    views.add(name).reset(`epochOf${name}`.padEnd(16, '_'), 1_000, rows);
  }
  serving = serveViews(views, {
    host: '127.0.0.1',
    port: 0,
    web: 'nowhere',
    origins: [],
    trustedProxies: [],
    connectionsPerAddress: 50,
    access: { limits: { ...defaultAdmissionLimits, handshakesPerSecond: 1_000_000 } },
    failed: (path, error) => {
      failure ??= new Error(`${path} failed`, { cause: error });
    },
  });
  url = `ws://127.0.0.1:${serving.port}/api/v1`;
  let step = 0;
  mover = setInterval(() => {
    step += 1;
    for (const view of [views.get('one'), views.get('two')]) move(view as FakeView, step);
  }, 20);
});

afterAll(() => {
  clearInterval(mover);
  serving.close();
});

function move(view: FakeView, step: number): void {
  const [user, count] = [`user ${step % 20}`, step % 4];
  const row = rowText([user, count]);
  const gone = [...view.rows.keys()].find((text) => rowValues(text)[0] === user) ?? row;
  const changes =
    gone === row
      ? new Map([[row, 1]])
      : new Map([
          [gone, -1],
          [row, 1],
        ]);
  view.batch(Number(view.frontier) + 1 + (step % 3), changes);
}

const viewOf = (name: string): FakeView | undefined => views.get(name) as FakeView | undefined;

/** The message as it is said, with what the viewer claims to hold. */
function subscription({ id, views, from, everyMs }: Legal & { kind: 'subscribe' }): {
  readonly request: Subscribe;
  readonly seed?: Holding;
} {
  const [first] = views;
  const view = viewOf(first?.view ?? '');
  const request: Subscribe = {
    type: 'subscribe',
    id,
    views,
    ...(everyMs === null ? {} : { everyMs }),
  };
  if (from === null) return { request };
  if (from.kind === 'other') {
    const epoch = from.epoch ?? view?.epoch ?? 'none';
    return { request: { ...request, from: { epoch, timestamp: from.timestamp } } };
  }
  const past = view?.frontiers.at(-1 - from.back);
  if (past === undefined || view === undefined) return { request };
  const point: ResumePoint = { epoch: view.epoch, timestamp: past };
  const state = new Map([[view.name, shown(view.at(past), first?.where)]]);
  const held = { epoch: view.epoch, frontier: past, state };
  return views.length > 1
    ? { request: { ...request, from: point } }
    : { request: { ...request, from: point }, seed: held };
}

/** The rows that a filter shows. */
function shown(rows: Changes = new Map(), where: object = {}): Map<string, number> {
  const wanted = Object.entries(where).map(
    ([name, value]) => [['user', 'count'].indexOf(name), value] as const,
  );
  const fits = (text: string) => wanted.every(([at, value]) => rowValues(text)[at] === value);
  return new Map([...rows].filter(([text]) => fits(text)));
}

/** How the last message must be answered; null when it happens to be allowed. */
function verdict(last: Conversation['last']): CloseCode | 'cut' | null {
  const bytes = Buffer.byteLength(last);
  if (bytes > 4 * BOUNDS.messageBytes) return 'cut';
  if (bytes > BOUNDS.messageBytes) return CLOSE.tooLarge;
  if (typeof last !== 'string') return CLOSE.badMessage;
  try {
    // Lone surrogates do not travel.
    parseClientMessage(Buffer.from(last).toString());
    return null;
  } catch {
    return CLOSE.badMessage;
  }
}

/** What a track holds is what its views held at its frontier. */
function expectTruth(track: Track): void {
  const { frontier } = track;
  const { views } = track.request;
  // A group's epoch is not a view's, and its views may stand apart.
  if (typeof frontier !== 'number' || views.length > 1) return;
  for (const { view, where } of views) {
    const truth = viewOf(view)?.at(frontier);
    if (truth !== undefined) expect(track.rows(view)).toEqual(shown(truth, where));
  }
}

/** Says all that is allowed; gives the subscriptions whose truth is known. */
function speak(connection: Connection, legal: readonly Legal[]): readonly Track[] {
  const tracks: Track[] = [];
  // Answers to two subscriptions of one id could not be told apart.
  const left = new Map<string, number>();
  let names = 0;
  const named = (id: string): string => (left.has(id) ? `${id} ${left.get(id)}`.slice(-60) : id);
  for (const one of legal) {
    if (one.kind === 'subscribe') {
      const { request, seed } = subscription({ ...one, id: named(one.id) });
      tracks.push(connection.ask(request, seed));
      continue;
    }
    const { message } = one;
    if (message.type === 'subscribe') connection.ask({ ...message, id: named(message.id) });
    else if (message.type === 'unsubscribe') {
      connection.say({ ...message, id: named(message.id) });
      left.set(message.id, names++);
    } else connection.say(message);
  }
  return tracks;
}

async function converse({ legal, last }: Conversation): Promise<void> {
  const connection = await Connection.open(url, { patienceMs: PATIENCE_MS });
  try {
    const tracks = speak(connection, legal);
    // An answer to this says that all before it was handled.
    connection.ask({ id: 'barrier', views: [{ view: 'no such view' }] });
    await connection.hear('error', (message) => message.id === 'barrier');
    for (const track of tracks) expectTruth(track);
    connection.sayRaw(last);
    const wanted = verdict(last);
    if (wanted === 'cut') await connection.awaitEnd();
    else if (wanted === CLOSE.badMessage) await connection.expectRefusal();
    else if (wanted !== null) await connection.expectClose(wanted);
    connection.check();
  } finally {
    connection.close();
  }
}

test(`F12, F14, S7: whatever is said, only its connection suffers (SEED=${seed})`, async () => {
  const neighbour = await Connection.open(url, { patienceMs: PATIENCE_MS });
  const followed = await neighbour.subscribe({ views: [{ view: 'one' }, { view: 'two' }] });
  const all = fc.sample(conversations, { seed, numRuns: Math.ceil(CASES / MESSAGES) });
  let next = 0;
  let said = 0;
  const talker = async (): Promise<void> => {
    for (let at = next++; at < all.length && said < CASES; at = next++) {
      const conversation = all[at];
      if (conversation === undefined || failure !== null) return;
      await converse(conversation).catch((error: unknown) => {
        throw new Error(`conversation ${at}: ${JSON.stringify(conversation).slice(0, 4_000)}`, {
          cause: error,
        });
      });
      said += conversation.legal.length + 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, talker));
  expect(failure).toBeNull();
  process.stdout.write(`${said} messages on ${next} connections\n`);
  expect(said).toBeGreaterThanOrEqual(CASES);
  const { proofs, batches } = followed;
  expect(batches).toBeGreaterThan(10);
  clearInterval(mover);
  await neighbour.until('the proof of quiet', () => followed.proofs > proofs);
  for (const view of ['one', 'two']) expect(followed.rows(view)).toEqual(viewOf(view)?.rows);
  neighbour.close();
}, 600_000);
