import { BOUNDS } from '../../protocol/message.ts';
import { type Check, firstView, type Site } from '../check.ts';
import type { Connection } from '../connection.ts';
import { NotSeen, Rule } from '../rule.ts';
import type { Track } from '../track.ts';

/** Subscriptions that the runner opens beyond the limit. */
const MAX_TRIED = 2_000;

/** Waits for a change of a subscription. @throws {NotSeen} when there is none for `watchMs`. */
async function change(site: Site, connection: Connection, track: Track): Promise<void> {
  const before = track.batches;
  await connection.listen(site.watchMs, () => track.batches > before);
  if (track.batches === before) {
    throw new NotSeen(`no view changed for ${site.watchMs} ms; see --watch-ms`);
  }
}

/** Waits for a proof of quiet. @throws {NotSeen} when the view never rests. */
async function proof(site: Site, connection: Connection, track: Track): Promise<void> {
  const { proofs, batches } = track;
  await connection.listen(site.hello.quietMs + site.patienceMs, () => track.proofs > proofs);
  if (track.proofs > proofs) return;
  if (track.batches > batches) throw new NotSeen('the view changes too often to be quiet');
  throw new Rule('progress', `it at least every ${site.hello.quietMs} ms`, 'silence');
}

async function refusal(
  connection: Connection,
  id: string,
  code: string,
  retry: boolean,
): Promise<void> {
  const error = await connection.hear('error', (message) => message.id === id);
  Rule.expect('Errors', `the code ${code}`, error.code === code, error);
  Rule.expect('error', retry ? 'a retryMs' : 'no retryMs', 'retryMs' in error === retry, error);
}

/** `subscribe`, `unsubscribe`, `batch`, `progress`. */
export const subscribing: readonly Check[] = [
  {
    rule: 'S3',
    name: 'a subscription is answered by `subscribed`, then by all rows',
    run: async (site) => {
      const connection = await site.open();
      const track = await connection.subscribe({ views: [{ view: firstView(site) }] });
      const { resumed } = track.subscribed ?? {};
      Rule.expect(
        'subscribed',
        'a snapshot for who holds nothing',
        resumed === 'snapshot',
        resumed,
      );
    },
  },
  {
    rule: 'S1',
    name: 'every view: changes follow without a gap, each row adds up',
    run: async (site) => {
      const connection = await site.open();
      const tracks: Track[] = [];
      for (const view of site.views.slice(0, site.hello.limits.subscriptions)) {
        tracks.push(await connection.subscribe({ views: [{ view }] }));
      }
      const total = () => tracks.reduce((sum, { batches }) => sum + batches, 0);
      await connection.listen(site.watchMs, () => total() >= tracks.length + 20);
      if (total() === tracks.length) throw new NotSeen(`nothing changed for ${site.watchMs} ms`);
    },
  },
  {
    rule: 'S9',
    name: 'quiet is proved by the hash of the rows, on time',
    run: async (site) => {
      const connection = await site.open();
      const track = await connection.subscribe({ views: [{ view: firstView(site) }] });
      await proof(site, connection, track);
    },
  },
  {
    rule: 'S2',
    name: 'two viewers of one view hold the same rows at the same frontier',
    run: async (site) => {
      const view = firstView(site);
      const [one, two] = [await site.open(), await site.open()];
      const first = await one.subscribe({ views: [{ view }] });
      const second = await two.subscribe({ views: [{ view }] });
      const meet = () => first.frontiers.find((frontier) => second.at(frontier) !== undefined);
      await one.listen(site.watchMs + site.hello.quietMs, () => meet() !== undefined);
      const frontier = meet();
      if (frontier === undefined) throw new NotSeen('they never stood at the same frontier');
      const texts = [first, second].map((track) => rowsText(track.at(frontier)?.get(view)));
      Rule.expect('S2', `at ${frontier} ${texts[0]}`, texts[0] === texts[1], texts[1]);
    },
  },
  {
    rule: 'unsubscribe',
    name: 'it ends the messages and frees the id at once',
    run: async (site) => {
      const connection = await site.open();
      const views = [{ view: firstView(site) }];
      for (let round = 0; round < 3; round++) {
        const track = await connection.subscribe({ id: 'again', views });
        connection.say({ type: 'unsubscribe', id: track.request.id });
      }
      connection.say({ type: 'unsubscribe', id: 'never there' });
      await connection.subscribe({ id: 'after', views });
    },
  },
  {
    rule: 'ack',
    name: 'one of no channel, or beyond what was sent, harms nothing',
    run: async (site) => {
      const connection = await site.open();
      const track = await connection.subscribe({ views: [{ view: firstView(site) }] });
      const { channel = 0, frontier } = track;
      connection.say({ type: 'ack', channel: channel + 1_000_000, upper: 1 });
      connection.say({ type: 'ack', channel, upper: frontier ?? 0 });
      connection.say({ type: 'ack', channel, upper: 'end' });
      connection.say({ type: 'ack', channel, upper: 0 });
      for (let n = 0; n < 100; n++) connection.say({ type: 'ack', channel, upper: frontier ?? 0 });
      await change(site, connection, track);
    },
  },
  {
    rule: 'subscribe',
    name: '`everyMs` bounds how often batches come',
    run: async (site) => {
      const connection = await site.open();
      const everyMs = 1_000;
      const begin = Date.now();
      const track = await connection.subscribe({ views: [{ view: firstView(site) }], everyMs });
      await connection.listen(site.watchMs, () => track.batches >= 5);
      // Late arrivals cannot break this: whatever came was sent since `begin`.
      const most = (Date.now() - begin) / everyMs + 2;
      Rule.expect(
        'subscribe',
        `at most ${most} batches`,
        track.batches <= most,
        `${track.batches}`,
      );
      if (track.batches === 1) throw new NotSeen('the view did not change');
    },
  },
  {
    rule: 'Filters',
    name: 'a filter keeps the rows that equal its values, and no others',
    run: async (site) => {
      const connection = await site.open();
      const { view, whole, name, value } = await findFilter(site, connection);
      const filtered = await connection.subscribe({ views: [{ view, where: { [name]: value } }] });
      const meet = () => whole.frontiers.find((frontier) => filtered.at(frontier) !== undefined);
      const limitMs = site.watchMs + site.hello.quietMs;
      await connection.listen(limitMs, () => meet() !== undefined);
      const frontier = meet();
      if (frontier === undefined) throw new NotSeen('the two never stood at the same frontier');
      const at = whole.subscribed?.columns[view]?.findIndex((column) => column.name === name) ?? -1;
      const wanted = [...(whole.at(frontier)?.get(view) ?? [])].filter(
        ([text]) => JSON.parse(text)[at] === value,
      );
      const own = rowsText(filtered.at(frontier)?.get(view));
      const right = rowsText(new Map(wanted));
      Rule.expect(
        'Filters',
        `rows of ${name} = ${value} at ${frontier}: ${right}`,
        own === right,
        own,
      );
    },
  },
  {
    rule: 'Filters',
    name: 'types count: a text is not a number, and a filter may match nothing',
    run: async (site) => {
      const connection = await site.open();
      const { view, name } = await findFilter(site, connection);
      const where = { [name]: 'viewcast conformance: no such value' };
      const track = await connection.subscribe({ views: [{ view, where }] });
      Rule.expect('Filters', 'no rows', track.rows(view).size === 0, [...track.rows(view)]);
    },
  },
  {
    rule: 'Several views',
    name: 'views asked for together come in one batch and move together',
    run: async (site) => {
      const [one, two] = site.views;
      if (one === undefined || two === undefined)
        throw new NotSeen('it takes two views; see --view');
      const connection = await site.open();
      const views = site.views.slice(0, BOUNDS.views).map((view) => ({ view }));
      const group = await connection.subscribe({ views });
      const single = await connection.subscribe({ views: [{ view: two }] });
      const meet = () => single.frontiers.find((frontier) => group.at(frontier) !== undefined);
      const limitMs = site.watchMs + site.hello.quietMs;
      await connection.listen(limitMs, () => meet() !== undefined);
      const frontier = meet();
      if (frontier === undefined) throw new NotSeen('group and view never stood at one frontier');
      const texts = [group, single].map((track) => rowsText(track.at(frontier)?.get(two)));
      Rule.expect('S2', `${two} at ${frontier}: ${texts[1]}`, texts[0] === texts[1], texts[0]);
    },
  },
  {
    rule: 'subscribe',
    name: 'what cannot be is refused by its code, and the connection goes on',
    run: async (site) => {
      const connection = await site.open();
      const view = firstView(site);
      const views = [{ view }];
      connection.ask({ id: 'a', views: [{ view: 'viewcast conformance: no such view' }] });
      await refusal(connection, 'a', 'unknown_view', false);
      connection.ask({ id: 'b', views: [{ view, where: { 'no such column': 1 } }] });
      await refusal(connection, 'b', 'unknown_column', false);
      await connection.subscribe({ id: 'c', views });
      connection.ask({ id: 'd', views });
      await refusal(connection, 'd', 'duplicate', false);
      connection.ask({ id: 'c', views, everyMs: 500 });
      await refusal(connection, 'c', 'id_in_use', false);
      await connection.subscribe({ id: 'a', views, everyMs: 700 });
    },
  },
  {
    rule: 'Limits',
    name: 'as many subscriptions as `hello` says, and not one more',
    run: async (site) => {
      const { subscriptions, messagesPerSecond } = site.hello.limits;
      if (subscriptions > MAX_TRIED) throw new NotSeen(`${subscriptions} are too many to try`);
      const connection = await site.open();
      const views = [{ view: firstView(site) }];
      const paceMs = Math.ceil(1_000 / messagesPerSecond) + 5;
      for (let n = 0; n < subscriptions; n++) {
        await connection.subscribe({ views, everyMs: 1_000 + n });
        await connection.listen(paceMs);
      }
      connection.ask({ id: 'last', views, everyMs: 999 });
      await refusal(connection, 'last', 'too_many_subscriptions', false);
      connection.say({ type: 'unsubscribe', id: 'k1' });
      await connection.listen(paceMs);
      await connection.subscribe({ views, everyMs: 998 });
    },
  },
];

interface Filter {
  readonly view: string;
  readonly whole: Track;
  readonly name: string;
  readonly value: string | number | boolean;
}

/** A column and a value of it that a filter can name. */
async function findFilter(site: Site, connection: Connection): Promise<Filter> {
  for (const view of site.views) {
    const whole = await connection.subscribe({ views: [{ view }] });
    for (const text of whole.rows(view).keys()) {
      const row: readonly unknown[] = JSON.parse(text);
      for (const [at, column] of (whole.subscribed?.columns[view] ?? []).entries()) {
        const value = row[at];
        const fits = typeof value === 'string' && value.length <= BOUNDS.filterTextLength;
        if (fits || typeof value === 'number' || typeof value === 'boolean') {
          return { view, whole, name: column.name, value };
        }
      }
    }
    connection.say({ type: 'unsubscribe', id: whole.request.id });
  }
  throw new NotSeen('no view has a row to filter by');
}

function rowsText(rows: ReadonlyMap<string, number> = new Map()): string {
  return JSON.stringify([...rows].sort());
}
