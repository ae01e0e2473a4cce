import type { Frontier } from '../../protocol/update.ts';
import { type Check, firstView, type Site } from '../check.ts';
import type { Connection } from '../connection.ts';
import { NotSeen, Rule } from '../rule.ts';
import type { Holding, Track } from '../track.ts';

/** Longer than the 5 s for which a timestamp ahead is waited for. */
const AHEAD_MS = 20_000;

/** What a viewer holds before it goes away. */
async function hold(site: Site): Promise<Holding> {
  const connection = await site.open();
  const track = await connection.subscribe({ views: [{ view: firstView(site) }] });
  const holding = track.holding();
  connection.close();
  return holding;
}

/** Comes back, and waits for the proof that the rows are right. */
async function comeBack(site: Site, connection: Connection, held: Holding): Promise<Track> {
  const from = { epoch: held.epoch, timestamp: held.frontier };
  const track = await connection.subscribe({ views: [{ view: firstView(site) }], from }, held);
  await connection.listen(site.hello.quietMs + site.patienceMs, () => track.proofs > 0);
  return track;
}

async function expectSnapshot(
  site: Site,
  from: { readonly epoch: string; readonly timestamp: number },
  reasons: readonly string[],
): Promise<void> {
  const connection = await site.open();
  const track = await connection.subscribe({ views: [{ view: firstView(site) }], from });
  const { resumed, reason = 'none' } = track.subscribed ?? {};
  const right = resumed === 'snapshot' && reasons.includes(reason);
  Rule.expect('Resuming', `a snapshot, ${reasons.join(' or ')}`, right, track.subscribed);
}

async function expectAhead(site: Site, timestamp: Frontier): Promise<void> {
  const held = await hold(site);
  if (held.frontier === 'end') throw new NotSeen('the view has ended');
  const connection = await site.open();
  const from = { epoch: held.epoch, timestamp };
  const { request } = connection.ask({ views: [{ view: firstView(site) }], from });
  const answer = () =>
    connection.heard.find(
      (one) => (one.type === 'error' || one.type === 'subscribed') && one.id === request.id,
    );
  await connection.until('an answer', () => answer() !== undefined, AHEAD_MS);
  const error = answer();
  const right = error?.type === 'error' && error.code === 'unavailable' && !!error.retryMs;
  Rule.expect('Resuming', '`unavailable` with a `retryMs`', right, error);
}

/** `subscribe` with `from`. */
export const resuming: readonly Check[] = [
  {
    rule: 'Resuming',
    name: 'a viewer that comes back gets what changed, and then holds what is right',
    run: async (site) => {
      const track = await comeBack(site, await site.open(), await hold(site));
      const { resumed, reason } = track.subscribed ?? {};
      const right = resumed === 'batch' || reason === 'smaller';
      Rule.expect('Resuming', 'a batch, or a smaller snapshot', right, track.subscribed);
      if (track.proofs === 0) throw new NotSeen('it changes too often to be quiet: no proof came');
    },
  },
  {
    rule: 'Resuming',
    name: 'a viewer that comes back after a change, too',
    run: async (site) => {
      const held = await hold(site);
      const connection = await site.open();
      const watch = await connection.subscribe({ views: [{ view: firstView(site) }], everyMs: 50 });
      await connection.listen(site.watchMs, () => watch.batches > 1);
      if (watch.batches === 1) throw new NotSeen(`nothing changed for ${site.watchMs} ms`);
      const track = await comeBack(site, connection, held);
      if (track.proofs === 0) throw new NotSeen('it changes too often to be quiet: no proof came');
    },
  },
  {
    rule: 'Resuming',
    name: 'an epoch is the same on every connection',
    run: async (site) => {
      const [one, two] = [await hold(site), await hold(site)];
      Rule.expect('Resuming', `the epoch ${one.epoch}`, one.epoch === two.epoch, two.epoch);
    },
  },
  {
    rule: 'S6',
    name: 'another server of the same upstream honours the token',
    run: async (site) => {
      if (!site.hasOther) throw new NotSeen('it takes a second server; see --other');
      const track = await comeBack(site, await site.open({ other: true }), await hold(site));
      const { reason } = track.subscribed ?? {};
      Rule.expect('S6', 'the token to be known', reason !== 'epoch', track.subscribed);
    },
  },
  {
    rule: 'Resuming',
    name: 'a token of another epoch gives a snapshot that says so',
    run: async (site) => {
      const timestamp = 1;
      await expectSnapshot(site, { epoch: 'conformanceEpoch', timestamp }, ['epoch']);
      await expectSnapshot(site, { epoch: '💥', timestamp }, ['epoch']);
      await expectSnapshot(site, { epoch: "'; DROP TABLE x; --", timestamp }, ['epoch']);
    },
  },
  {
    rule: 'Resuming',
    name: 'a timestamp before all history gives a snapshot that says so',
    run: async (site) => {
      const { epoch } = await hold(site);
      await expectSnapshot(site, { epoch, timestamp: 0 }, ['expired', 'smaller']);
    },
  },
  ...([Number.MAX_SAFE_INTEGER, 'end'] as const).map(
    (timestamp): Check => ({
      rule: 'Resuming',
      name: `a timestamp that is never reached, ${timestamp}, is refused with a wait`,
      run: (site) => expectAhead(site, timestamp),
    }),
  ),
];
