import { randomUUID } from 'node:crypto';
import { type Check, firstView, type Site } from '../check.ts';
import { NotSeen, Rule } from '../rule.ts';
import type { Track } from '../track.ts';

function topic(site: Site): { readonly topic: string; readonly value: never } {
  if (site.submit === undefined) throw new NotSeen('it takes a topic; see --submit');
  // Any JSON: it was parsed from the command line.
  return site.submit as { topic: string; value: never };
}

/** `submit`. */
export const submitting: readonly Check[] = [
  {
    rule: 'submit',
    name: 'a topic that takes no messages is `unknown_topic`',
    run: async (site) => {
      const connection = await site.open();
      const id = randomUUID();
      connection.say({ type: 'submit', id, topic: 'viewcast conformance: none', value: null });
      const error = await connection.hear('error', (message) => message.id === id);
      const right = error.code === 'unknown_topic' || error.code === 'forbidden';
      Rule.expect('Errors', 'the code unknown_topic', right, error);
      await connection.subscribe({ views: [{ view: firstView(site) }] });
    },
  },
  {
    rule: 'submit',
    name: 'a message is accepted, then archived; sent again it is the same',
    run: async (site) => {
      const connection = await site.open();
      const id = randomUUID();
      const message = { type: 'submit', id, ...topic(site) } as const;
      for (let round = 0; round < 2; round++) {
        const since = connection.heard.length;
        connection.say(message);
        await connection.hear('accepted', (one) => one.id === id, since);
        await connection.hear('archived', (one) => one.id === id, since);
      }
    },
  },
  {
    rule: 'S5',
    name: '`archived` comes after the batches that show the message',
    run: async (site) => {
      const connection = await site.open();
      const tracks: Track[] = [];
      for (const view of site.views) tracks.push(await connection.subscribe({ views: [{ view }] }));
      const id = randomUUID();
      const showing = () => tracks.filter((track) => shows(track, id));
      connection.say({ type: 'submit', id, ...topic(site) });
      await connection.hear('archived', (one) => one.id === id);
      const [before, proofs] = [showing(), tracks.map((track) => track.proofs)];
      // Whatever is shown by the next proof was there to be shown before.
      await connection.listen(site.hello.quietMs + site.patienceMs, () =>
        tracks.every((track, at) => track.proofs > (proofs[at] ?? 0)),
      );
      const late = showing().filter((track) => !before.includes(track));
      const names = late.flatMap(({ request }) => request.views.map(({ view }) => view));
      Rule.expect('S5', '`archived` after what shows the message', late.length === 0, names);
      if (before.length === 0) throw new NotSeen('a view with the ids of messages; see --view');
    },
  },
  {
    rule: 'submit',
    name: 'the same id with another value is `id_conflict`',
    run: async (site) => {
      const connection = await site.open();
      const id = randomUUID();
      const { value, ...rest } = topic(site);
      connection.say({ type: 'submit', id, ...rest, value });
      await connection.hear('accepted', (one) => one.id === id);
      const other = changed(value);
      connection.say({ type: 'submit', id, ...rest, value: other });
      const error = await connection.hear('error', (one) => one.id === id);
      Rule.expect('Errors', 'the code id_conflict', error.code === 'id_conflict', error);
    },
  },
  {
    rule: 'submit',
    name: 'a value that does not fit is `invalid_value`',
    run: async (site) => {
      const connection = await site.open();
      const id = randomUUID();
      const value = { 'viewcast conformance': { 'no such': ['field'] } };
      connection.say({ type: 'submit', id, topic: topic(site).topic, value });
      const error = await connection.hear('error', (one) => one.id === id);
      Rule.expect('Errors', 'the code invalid_value', error.code === 'invalid_value', error);
    },
  },
];

/** Whether a row of the views has the id among its values. */
function shows(track: Track, id: string): boolean {
  const texts = track.request.views.flatMap(({ view }) => [...track.rows(view).keys()]);
  return texts.some((text) => text.includes(id));
}

/** A value of the same shape with another text in it. @throws {NotSeen} when it has none. */
function changed(value: unknown): never {
  const text = JSON.stringify(value);
  const other = text.replace(/("[^"]*"\s*:\s*")/, '$1viewcast ');
  if (other === text) throw new NotSeen('the value has no text to change');
  return JSON.parse(other) as never;
}
