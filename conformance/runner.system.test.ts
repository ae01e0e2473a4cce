import { afterAll, beforeAll, expect, test } from 'vitest';
import { Authorizer } from '../server/auth/authorizer.ts';
import { secretKeys } from '../server/auth/keys.ts';
import { sign } from '../server/auth/token-fixture.ts';
import { type FakeView, FakeViews } from '../server/channel/fake-view.ts';
import { machineClock } from '../server/clock.ts';
import type { ServeOptions, Serving } from '../server/serve-options.ts';
import { serveViews } from '../server/serve-views.ts';
import type { Message, Sink, Written } from '../server/submit/sink.ts';
import type { Topic } from '../server/submit/topic.ts';
import { NOTE_COLUMNS, NOTES } from '../server/topic-fixture.ts';
import { Mutant, type Mutation } from './mutant.ts';
import { readOptions } from './options.ts';
import { Rule } from './rule.ts';
import { CHECKS, type Result, run } from './runner.ts';
import { survey } from './survey.ts';

// A runner that finds nothing proves nothing: servers that break one rule each must be found out.

const views = new FakeViews();
let serving: Serving;
let mover: NodeJS.Timeout;
let url = '';
let archive: FakeView;

function serve(options: Partial<ServeOptions> = {}): Serving {
  return serveViews(views, {
    host: '127.0.0.1',
    port: 0,
    web: 'nowhere',
    origins: [],
    trustedProxies: [],
    connectionsPerAddress: 50,
    failed: (path, error) => {
      throw new Error(`${path} failed`, { cause: error });
    },
    ...options,
  });
}

/** Whatever is written stands in the view `notes` a moment later, the first of each id. */
class ArchivingSink implements Sink {
  readonly state = { kind: 'open' } as const;
  readonly #ids = new Set<string>();

  async write(_topic: Topic, { id, value }: Message): Promise<Written> {
    if (this.#ids.has(id)) return 'existed';
    this.#ids.add(id);
    const row = JSON.stringify([id, this.#ids.size, value.text ?? null, value.number ?? null]);
    setTimeout(() => archive.batch(nextTime(archive), new Map([[row, 1]])), 30);
    return 'written';
  }

  async close(): Promise<void> {}
}

const nextTime = ({ frontier }: FakeView): number => Math.max(Date.now(), Number(frontier) + 1);

/** A view that moves: a count for each user. */
function move(view: FakeView, step: number): void {
  const upper = Date.now();
  if (view.frontier === null || view.frontier === 'end' || upper <= view.frontier) return;
  const [[before] = ['']] = view.rows;
  const [user, count] = JSON.parse(before);
  const changes = new Map([
    [before, -1] as const,
    [JSON.stringify([user, count + 700 + step]), 1] as const,
  ]);
  view.batch(upper, step < 0 ? new Map() : changes);
}

beforeAll(() => {
  const names = ['best', 'other'];
  const rows = new Map(Array.from({ length: 4_000 }, (_, n) => [`["user ${n % 700}",${n}]`, 1]));
  for (const name of names)
    views
      .add(name)
      .reset(`epoch of ${name}`.padEnd(16, '_').replaceAll(' ', '_'), Date.now(), rows);
  archive = views.add('notes', NOTE_COLUMNS);
  archive.reset('epoch_of_notes__', Date.now(), new Map());
  const topics = { get: (name: string) => (name === 'notes' ? NOTES : undefined), names: () => [] };
  serving = serve({ messages: { topics, sink: new ArchivingSink(), perSecond: 50 } });
  url = `ws://127.0.0.1:${serving.port}/api/v1`;
  // Bursts of changes, and rest between them, so that quiet can be proved.
  let step = 0;
  mover = setInterval(() => {
    step += 1;
    const quiet = step % 40 >= 8;
    for (const name of names) move(views.get(name) as FakeView, quiet ? -1 : step);
  }, 60);
});

afterAll(() => {
  clearInterval(mover);
  serving.close();
});

async function outcomes(
  target: string,
  only: string,
  extra: readonly string[] = [],
): Promise<readonly Result[]> {
  const options = readOptions([
    target,
    '--view',
    'best',
    '--view',
    'other',
    '--only',
    only,
    ...extra,
  ]);
  const checks = CHECKS.filter(({ rule, name }) => `${rule}: ${name}`.includes(only));
  expect(checks.length).toBeGreaterThan(0);
  const results: Result[] = [];
  for await (const result of run(options, await survey(options), checks)) results.push(result);
  return results;
}

const NOTE = ['--submit', 'notes={"text":"a","number":1}', '--view', 'notes'];

const broken = (results: readonly Result[]): readonly string[] =>
  results.flatMap(({ check, outcome }) =>
    outcome.kind === 'broken'
      ? [`${check.rule}: ${check.name}: ${outcome.rule}: ${outcome.why}`]
      : [],
  );

test('the server keeps every rule that can be seen from outside', async () => {
  const results = await outcomes(url, '');
  expect(broken(results)).toEqual([]);
  const unseen = results.filter(({ outcome }) => outcome.kind === 'unseen');
  // Tokens, topics, a second server and the minutes are looked at elsewhere.
  expect(unseen.map(({ check }) => check.name).length).toBeLessThanOrEqual(10);
}, 240_000);

test('a server that takes messages keeps every rule about them', async () => {
  for (const checks of ['submit: ', 'S5: ']) {
    const results = await outcomes(url, checks, NOTE);
    expect(results.filter(({ outcome }) => outcome.kind !== 'held')).toEqual([]);
  }
}, 60_000);

test('a server with tokens keeps every rule about them', async () => {
  const secret = Buffer.alloc(32, 1);
  const verifier = new Authorizer(
    { keys: secretKeys(secret), issuer: null, audience: null, claim: 'viewcast' },
    machineClock,
  );
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  const claims = { viewcast: { views: ['best', 'other'] }, exp };
  const token = await sign(claims, secret, { alg: 'HS256' });
  const guarded = serve({ access: { verifier, clock: machineClock } });
  try {
    const target = `ws://127.0.0.1:${guarded.port}/api/v1`;
    for (const checks of ['auth: ', 'hello: ', 'S3: ', 'Resuming: an epoch']) {
      const results = await outcomes(target, checks, ['--token', token]);
      expect(results.filter(({ outcome }) => outcome.kind !== 'held')).toEqual([]);
    }
  } finally {
    await guarded.close();
  }
});

type Parsed = {
  type: string;
  changes?: Record<string, [number, unknown[]][]>;
  [key: string]: unknown;
};
const parse = (text: string): Parsed => JSON.parse(text);
const edit =
  (type: string, change: (message: Parsed, seen: number) => void) =>
  (text: string, seen: number): readonly string[] => {
    if (!text.includes(`"type":"${type}"`)) return [text];
    const message = parse(text);
    change(message, seen);
    return [JSON.stringify(message)];
  };
const only =
  (type: string, act: (text: string, seen: number) => readonly string[]) =>
  (text: string, seen: number): readonly string[] =>
    text.includes(`"type":"${type}"`) ? act(text, seen) : [text];
const editSaid = (change: (message: Parsed) => void) => (text: string) => {
  if (!text.startsWith('{"type":"subscribe"')) return [text];
  const message = parse(text);
  change(message);
  return [JSON.stringify(message)];
};
const firstChanges = (message: Parsed): [number, unknown[]][] =>
  Object.values(message.changes ?? {})[0] ?? [];

const held: string[] = [];

/** What is wrong with a server, the checks that must see it, and under which rule. */
const MUTANTS: readonly (readonly [string, Mutation, checks: string, rule: string])[] = [
  [
    'loses a batch',
    { heard: only('batch', (text, seen) => (seen === 6 ? [] : [text])) },
    'S1',
    'S1',
  ],
  [
    'repeats a batch',
    { heard: only('batch', (text, seen) => (seen === 6 ? [text, text] : [text])) },
    'S1',
    'S1',
  ],
  [
    'loses a part',
    { heard: only('batch', (text) => (parse(text).part === 1 ? [] : [text])) },
    'S3',
    'S4',
  ],
  [
    'swaps parts',
    {
      heard: only('batch', (text) => {
        const { part } = parse(text);
        if (part === 0) return [];
        return part === 1 ? [text, text.replace('"part":1', '"part":0')] : [text];
      }),
    },
    'S3',
    'S4',
  ],
  [
    'sends the rows before `subscribed`',
    {
      heard: (text) => {
        if (text.includes('"type":"subscribed"')) {
          held.push(text);
          return [];
        }
        return [text, ...held.splice(0)];
      },
    },
    'S3',
    'S3',
  ],
  [
    'has a wrong hash',
    { heard: edit('progress', (message) => (message.hash = { best: '0'.repeat(16) })) },
    'S9',
    'S9',
  ],
  [
    'flips a bit in a row',
    {
      heard: edit('batch', (message, seen) => {
        const change = firstChanges(message).at(-1);
        if (seen === 0 && change !== undefined) change[1][1] = Number(change[1][1]) ^ 1;
      }),
    },
    'S9',
    'S9',
  ],
  [
    'sends a diff of 0',
    {
      heard: edit('batch', (message) => {
        const [change] = firstChanges(message);
        if (change) change[0] = 0;
      }),
    },
    'S3',
    'batch',
  ],
  [
    'sends a row twice',
    {
      heard: edit('batch', (message) => {
        const changes = firstChanges(message);
        const [change] = changes;
        if (change) changes.push(change);
      }),
    },
    'S3',
    'Batches',
  ],
  [
    'sends half a row',
    {
      heard: edit('batch', (message) => {
        firstChanges(message)[0]?.[1].pop();
      }),
    },
    'S3',
    'Values',
  ],
  [
    'takes away what is not there',
    {
      heard: edit('batch', (message) => {
        const [change] = firstChanges(message);
        if (change) change[0] = -2;
      }),
    },
    'S3',
    'Batches',
  ],
  [
    'says no hello',
    { heard: only('hello', () => [JSON.stringify({ type: 'status', channel: 1, state: 'live' })]) },
    'hello',
    'hello',
  ],
  ['says hello twice', { heard: only('hello', (text) => [text, text]) }, 'hello', 'hello'],
  [
    'closes with another code',
    { close: (code, reason) => [code === 4002 ? 4000 : code, reason] },
    'no JSON',
    'Closing',
  ],
  ['gives no reason', { close: (code) => [code, ''] }, 'no JSON', 'Closing'],
  ['does not say what was bad', { heard: only('error', () => []) }, 'no JSON', 'Client to server'],
  [
    'calls every error internal',
    { heard: edit('error', (message) => (message.code = 'internal')) },
    'what cannot be',
    'Errors',
  ],
  [
    'filters nothing',
    {
      said: editSaid((message) => {
        for (const view of message.views as { where?: object }[]) {
          if (view.where !== undefined) message.everyMs = 1;
          delete view.where;
        }
      }),
    },
    'a filter keeps',
    'Filters',
  ],
  [
    'ignores everyMs',
    {
      said: editSaid((message) => {
        if (message.everyMs === 1000) delete message.everyMs;
      }),
    },
    '`everyMs`',
    'subscribe',
  ],
  [
    'forgets who comes back',
    {
      said: editSaid((message) => {
        delete message.from;
      }),
    },
    'a viewer that comes back gets',
    'subscribed',
  ],
  [
    'takes any token',
    {
      heard: edit('subscribed', (message) => {
        if (message.reason === 'epoch') message.reason = 'expired';
      }),
    },
    'another epoch',
    'Resuming',
  ],
  [
    'does not unsubscribe',
    { said: (text) => (text.includes('"unsubscribe"') ? [] : [text]) },
    'frees the id',
    'subscribe',
  ],
  ['asks for no Origin', {}, 'Origin', 'Refusals'],
  [
    'has a limit of its own',
    {
      heard: edit('hello', (message) => {
        (message.limits as { subscriptions: number }).subscriptions = 3;
      }),
    },
    'not one more',
    'Patience',
  ],
  [
    'tells of the archive before it shows the message',
    {
      heard: (text) => {
        if (text.includes('"type":"archived"')) return [];
        if (!text.includes('"type":"accepted"')) return [text];
        return [text, JSON.stringify({ type: 'archived', id: parse(text).id, timestamp: 1 })];
      },
    },
    'S5: ',
    'S5',
  ],
  [
    'takes another value under an id that it has',
    {
      heard: edit('error', (message) => {
        if (message.code !== 'id_conflict') return;
        message.type = 'accepted';
        for (const name of ['code', 'message']) delete message[name];
      }),
    },
    'the same id',
    'Patience',
  ],
  [
    'calls a value that does not fit its own mistake',
    { heard: edit('error', (message) => (message.code = 'internal')) },
    'does not fit',
    'Errors',
  ],
  [
    'knows every topic',
    { heard: edit('error', (message) => (message.code = 'invalid_value')) },
    'takes no messages',
    'Errors',
  ],
  [
    'falls silent',
    {
      heard: (text, seen) => {
        if (text.includes('"progress"') || /"lower":\d/.test(text)) return [];
        return edit('hello', (message) => {
          message.quietMs = 1_000;
        })(text, seen);
      },
    },
    'S9',
    'progress',
  ],
];

/** The rules that a server breaks; a survey may end at the first of them. */
async function rulesBroken(target: string, checks: string): Promise<readonly string[]> {
  try {
    const results = await outcomes(target, checks, ['--patience-ms', '3000', ...NOTE]);
    return results.flatMap(({ outcome }) => (outcome.kind === 'broken' ? [outcome.rule] : []));
  } catch (error) {
    if (error instanceof Rule) return [error.rule];
    throw error;
  }
}

test.each(MUTANTS)('a server that %s is found out', async (_, mutation, checks, rule) => {
  held.length = 0;
  const mutant = await Mutant.start(url, mutation);
  try {
    expect(await rulesBroken(mutant.url, checks)).toContain(rule);
  } finally {
    mutant.stop();
  }
});
