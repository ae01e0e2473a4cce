import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Frontier } from '../../protocol/update.ts';
import { runs } from '../../tests/runs.ts';
import { type FakeView, FakeViews } from '../channel/fake-view.ts';
import { NOTE_COLUMNS, NOTES } from '../topic-fixture.ts';
import { FakeSink } from './fake-sink.ts';
import type { SubmitListener } from './pending.ts';
import type { Refusal } from './refusal.ts';
import { SinkError } from './sink.ts';
import { Submitter } from './submitter.ts';

const IDS = ['a', 'b', 'c'].map((last) => `00000000-0000-4000-8000-00000000000${last}`);
const TEXTS = ['a', 'b'];

/** Somebody who submitted, and holds what is promised to them. */
class Sender implements SubmitListener {
  readonly id: string;
  readonly text: string;
  readonly told: string[] = [];
  readonly #stand: Stand;
  left = false;

  constructor(stand: Stand, id: string, text: string) {
    this.#stand = stand;
    this.id = id;
    this.text = text;
  }

  accepted(): void {
    expect(this.left).toBe(false);
    expect(this.told).toEqual([]);
    // Nothing accepted is lost: it stands where the sink keeps it, or in the archive.
    expect(this.#stand.safe.has(this.id)).toBe(true);
    this.told.push('accepted');
  }

  archived(timestamp: Frontier): void {
    expect(this.left).toBe(false);
    expect(this.told).toEqual(['accepted']);
    expect(this.#stand.view.frontier).toBe(timestamp);
    expect(this.#stand.shownText(this.id)).toBe(this.text);
    this.told.push('archived');
  }

  refused({ code }: Refusal): void {
    expect(this.left).toBe(false);
    expect(this.told).not.toContain('archived');
    if (code === 'id_conflict') {
      expect(this.#stand.textsOf(this.id).some((text) => text !== this.text)).toBe(true);
    }
    this.told.push(code);
  }

  get isOver(): boolean {
    return this.left || ['accepted', undefined].every((told) => this.told.at(-1) !== told);
  }
}

/** A submitter over a sink and an archive that are moved by hand. */
class Stand {
  readonly views = new FakeViews();
  readonly view: FakeView = this.views.add('notes', NOTE_COLUMNS);
  readonly sink = new FakeSink();
  readonly senders: Sender[] = [];
  readonly leave: (() => void)[] = [];
  /** What the sink has, by id: the first text, in order. */
  readonly safe = new Map<string, string>();
  /** All texts that were ever submitted under an id, here or elsewhere. */
  readonly #texts = new Map<string, string[]>();
  readonly submitter = new Submitter({
    topics: { get: (name) => (name === 'notes' ? NOTES : undefined), names: () => ['notes'] },
    views: this.views,
    sink: this.sink,
    nowMs: () => 1_700_000_000_000,
    most: 50,
  });
  #epochs = 0;

  constructor() {
    this.view.reset('e0', 10, new Map());
  }

  textsOf(id: string): readonly string[] {
    return this.#texts.get(id) ?? [];
  }

  shownText(id: string): string | undefined {
    const row = [...this.view.rows.keys()].find((text) => JSON.parse(text)[0] === id);
    return row === undefined ? undefined : JSON.parse(row)[2];
  }

  /** `spelled` is the id as its sender writes it. */
  submit(id: string, text: string, spelled = id): Sender {
    this.#texts.set(id, [...this.textsOf(id), text]);
    const sender = new Sender(this, id, text);
    this.senders.push(sender);
    this.leave.push(this.submitter.submit('notes', spelled, { text, number: null }, sender));
    return sender;
  }

  /** What somebody who only watches is told at once; null when nothing is known of the message. */
  watch(id: string): readonly string[] | null {
    const told: string[] = [];
    const stop = this.submitter.watch('notes', id, {
      accepted: () => told.push('accepted'),
      archived: () => told.push('archived'),
      refused: ({ code }) => told.push(code),
    });
    stop?.();
    return stop === null ? null : told;
  }

  /** The sink gets to the oldest message that waits. */
  write(answers: boolean): void {
    const write = this.sink.writes.shift();
    if (write === undefined) return;
    const { id, value } = write.message;
    const existed = this.safe.has(id);
    // What fails may be there all the same.
    if (!existed) this.safe.set(id, String(value.text));
    if (answers) write.answer(existed ? 'existed' : 'written');
    else write.fail(new SinkError('the connection was lost'));
  }

  /** Somebody submits through another server. */
  elsewhere(id: string, text: string): void {
    this.#texts.set(id, [...this.textsOf(id), text]);
    if (!this.safe.has(id)) this.safe.set(id, text);
  }

  /** The archive shows what is safe. */
  show(): void {
    const rows = [...this.safe]
      .filter(([id]) => this.shownText(id) === undefined)
      .map(([id, text]) => [JSON.stringify([id, 1, text, null]), 1] as const);
    this.view.batch(Number(this.view.frontier) + 1, new Map(rows));
  }

  reset(): void {
    this.#epochs += 1;
    this.view.reset(`e${this.#epochs}`, 10, new Map(this.view.rows));
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constantFrom('submit' as const, 'elsewhere' as const),
        id: fc.constantFrom(...IDS),
        text: fc.constantFrom(...TEXTS),
        capitals: fc.boolean(),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('write' as const), answers: fc.boolean() }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom('show' as const, 'turn' as const, 'reset' as const),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), who: fc.nat() }) },
  ),
  { maxLength: 60, size: 'max' },
);

test('whatever comes in between, a message is answered to its end, once, and never against the archive', () =>
  fc.assert(
    fc.asyncProperty(steps, async (walked) => {
      const stand = new Stand();
      for (const step of walked) {
        const spelled = step.do === 'submit' && step.capitals ? step.id.toUpperCase() : undefined;
        if (step.do === 'submit') stand.submit(step.id, step.text, spelled);
        else if (step.do === 'elsewhere') stand.elsewhere(step.id, step.text);
        else if (step.do === 'write') stand.write(step.answers);
        else if (step.do === 'show') stand.show();
        else if (step.do === 'reset') stand.reset();
        else if (step.do === 'turn') await turn();
        else if (step.do === 'leave') {
          const who = step.who % Math.max(1, stand.senders.length);
          const sender = stand.senders[who];
          if (sender !== undefined) sender.left = true;
          stand.leave[who]?.();
        }
      }
      while (stand.sink.writes.length > 0) stand.write(true);
      await turn();
      stand.show();
      await turn();
      expect(stand.senders.filter((sender) => !sender.isOver)).toEqual([]);
      expect(stand.submitter.size).toBe(0);
      for (const { id, text, told } of [...stand.senders]) {
        // Submitted once more, it is told what the archive holds.
        if (!told.includes('archived')) continue;
        expect(stand.submit(id, text).told).toEqual(['accepted', 'archived']);
        expect(stand.submit(id, text, id.toUpperCase()).told).toEqual(['accepted', 'archived']);
        expect(stand.watch(id.toUpperCase())).toEqual(['accepted', 'archived']);
        expect(stand.submit(id, `${text}!`).told).toEqual(['id_conflict']);
        expect(stand.watch(id)).toEqual(['accepted', 'archived']);
      }
    }),
    { numRuns: runs(500) },
  ));

test('what the archive shows before the sink answers is archived then', () => {
  const stand = new Stand();
  const sender = stand.submit(IDS[0] ?? '', 'a');
  stand.elsewhere(sender.id, 'a');
  expect(stand.watch(sender.id)).toEqual([]);
  expect(stand.watch(IDS[1] ?? '')).toBeNull();
  stand.show();
  expect(sender.told).toEqual(['accepted', 'archived']);
});

test('what cannot be taken now is refused with when to come again, what never can without', () => {
  const stand = new Stand();
  const refusals: Refusal[] = [];
  const submit = (topic: string, value: string, id = crypto.randomUUID()) =>
    stand.submitter.submit(
      topic,
      id,
      { text: value, number: null },
      {
        accepted: () => {},
        archived: () => {},
        refused: (refusal) => refusals.push(refusal),
      },
    );
  submit('nothing', 'a');
  expect(refusals.pop()).toEqual({
    code: 'unknown_topic',
    message: 'no topic "nothing" takes messages; those that do: notes',
  });
  for (let at = 0; at < 50; at++) submit('notes', 'a');
  expect(refusals).toEqual([]);
  submit('notes', 'a');
  expect(refusals.pop()).toMatchObject({ code: 'overloaded', retryMs: 1_000 });
  stand.sink.state = { kind: 'away', message: 'Kafka is away' };
  submit('notes', 'a');
  expect(refusals.pop()).toEqual({ code: 'unavailable', message: 'Kafka is away', retryMs: 1_000 });
  stand.sink.state = { kind: 'never', message: 'no place' };
  submit('notes', 'a');
  expect(refusals.pop()).toEqual({ code: 'unknown_topic', message: 'no place' });
  stand.sink.state = { kind: 'open' };
  stand.view.become('gone');
  submit('notes', 'a');
  expect(refusals.pop()).toMatchObject({ code: 'unavailable', retryMs: 1_000 });
  stand.views.remove('notes');
  submit('notes', 'a');
  expect(refusals.pop()?.message).toContain('the view notes, which is not served');
});

test('an accepted message that nobody waits for makes room for others', async () => {
  const stand = new Stand();
  for (let at = 0; at < 50; at++) {
    stand.submit(crypto.randomUUID(), 'a');
    stand.write(true);
  }
  await turn();
  for (const [at, leave] of stand.leave.entries()) {
    const sender = stand.senders[at];
    if (sender !== undefined) sender.left = true;
    leave();
  }
  expect(stand.submit(crypto.randomUUID(), 'a').told).toEqual([]);
  expect(stand.submitter.size).toBe(50);
});

test('a view that was dropped and made anew settles what waited for it', async () => {
  const stand = new Stand();
  const sender = stand.submit(IDS[0] ?? '', 'a');
  stand.write(true);
  await turn();
  stand.views.remove('notes');
  const again = stand.views.add('notes', NOTE_COLUMNS);
  expect(sender.told).toEqual(['accepted']);
  Object.assign(stand, { view: again });
  again.reset('f', 20, new Map([[JSON.stringify([sender.id, 1, 'a', null]), 1]]));
  expect(sender.told).toEqual(['accepted', 'archived']);
});

test('a message that the archive shows under an id in capitals is that message', () => {
  const stand = new Stand();
  const id = IDS[0] ?? '';
  const told: string[] = [];
  stand.submitter.submit(
    'notes',
    id,
    { text: 'a', number: null },
    {
      accepted: () => told.push('accepted'),
      archived: () => told.push('archived'),
      refused: ({ code }) => told.push(code),
    },
  );
  stand.view.batch(20, new Map([[JSON.stringify([id.toUpperCase(), 1, 'a', null]), 1]]));
  expect(told).toEqual(['accepted', 'archived']);
  expect(stand.watch(id)).toEqual(told);
});
