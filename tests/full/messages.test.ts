/** Messages while everything is killed at random: what was submitted is archived once, and told so. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, connect, RefusedError } from '../../client/client.ts';
import { submit } from '../../client/submit.ts';
import { kafkaSkipped } from '../../scripts/kafka-local/tools.ts';
import { WholePath } from '../kafka/whole-path.ts';
import { Random } from '../oracle/random.ts';
import { fetchRows, type Parts, temporaryFolder, until, Viewcast } from '../viewcast.ts';

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const ROUNDS = 8;
const PATIENCE_MS = 120_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Everybody who sends; each message until it is archived, under one id, over any connection. */
class Senders {
  readonly #viewcast: Viewcast;
  readonly #random: Random;
  readonly #clients: Client[];
  /** Texts by what became of them. */
  readonly archived = new Set<string>();
  readonly refused = new Set<string>();
  readonly #open = new Set<Promise<void>>();
  #stopped = false;

  constructor(viewcast: Viewcast, random: Random) {
    this.#viewcast = viewcast;
    this.#random = random;
    this.#clients = [1, 2, 3].map(() => connect(`${viewcast.page.replace('http', 'ws')}/api/v1`));
    for (const client of this.#clients) client.subscribe(['archive_newest']);
  }

  /** Sends on until it is told to stop. */
  async run(): Promise<void> {
    for (let number = 0; !this.#stopped; number++) {
      const one = this.#deliver(`message ${number}`).finally(() => this.#open.delete(one));
      this.#open.add(one);
      await pause(this.#random.integer(5, 80));
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    while (this.#open.size > 0) await Promise.all(this.#open);
    for (const client of this.#clients) client.close();
  }

  async #deliver(text: string): Promise<void> {
    const id = crypto.randomUUID();
    const value = this.#random.chance(0.1) ? { valeu: text } : { value: text };
    for (;;) {
      const ways = [this.#socket(value, id)];
      // The same from two places at once counts once, too.
      if (this.#random.chance(0.3)) ways.push(this.#http(value, id));
      const outcomes = await Promise.all(ways);
      if (outcomes.includes('archived')) this.archived.add(text);
      if (outcomes.includes('refused')) this.refused.add(text);
      if (outcomes.some((outcome) => outcome !== 'again')) return;
    }
  }

  async #socket(value: object, id: string): Promise<string> {
    const client = this.#clients[this.#random.integer(0, this.#clients.length - 1)];
    if (client === undefined) throw new Error('expected a client');
    try {
      await submit(client, 'example', Object(value), { id }).archived;
      return 'archived';
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      if (error.retryMs === undefined) return 'refused';
      await pause(error.retryMs);
      return 'again';
    }
  }

  async #http(value: object, id: string): Promise<string> {
    const response = await fetch(`${this.#viewcast.page}/api/messages`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Prefer: 'wait=30' },
      body: JSON.stringify({ topic: 'example', id, value }),
    }).catch(() => null);
    if (response?.status === 201) return 'archived';
    return response !== null && [409, 422].includes(response.status) ? 'refused' : 'again';
  }
}

/** What the archive holds in the end is what its senders were told, each once. */
async function expectExactlyOnce(viewcast: Viewcast, senders: Senders): Promise<void> {
  let texts: readonly unknown[] = [];
  await until('all that was archived is shown', async () => {
    texts = (await fetchRows(viewcast, 'archive')).map((row) => row[4]);
    return texts.length >= senders.archived.size;
  });
  expect(senders.archived.size).toBeGreaterThan(50);
  expect(senders.refused.size).toBeGreaterThan(0);
  expect(new Set(texts)).toEqual(senders.archived);
  expect(texts.length).toBe(senders.archived.size);
}

async function kill(viewcast: Viewcast, part: keyof Parts): Promise<void> {
  const pid = await until(`the ${part} runs`, () => viewcast.parts()[part] ?? null);
  process.kill(pid, 'SIGKILL');
  await until(`the ${part} runs again`, () => {
    const now = viewcast.parts()[part];
    return now !== undefined && now !== pid;
  });
}

async function torment(
  senders: Senders,
  random: Random,
  faults: readonly (() => Promise<void>)[],
): Promise<void> {
  const sending = senders.run();
  for (let round = 0; round < ROUNDS; round++) {
    await pause(random.integer(500, 4_000));
    await faults[random.integer(0, faults.length - 1)]?.();
  }
  await pause(2_000);
  await senders.stop();
  await sending;
}

test(`F10: server and engine killed at random, seed ${seed}`, async () => {
  const folder = temporaryFolder();
  const viewcast = new Viewcast([
    ...['--data', folder.path, '--port', '0', '--sql-port', '0'],
    ...['--generate', '20', '--quiet', '--workers', '2'],
  ]);
  try {
    await viewcast.ready();
    const random = new Random(seed);
    const senders = new Senders(viewcast, random);
    await torment(senders, random, [
      () => kill(viewcast, 'server'),
      () => kill(viewcast, 'engine'),
    ]);
    await expectExactlyOnce(viewcast, senders);
  } finally {
    await viewcast.stop();
    folder.remove();
  }
}, 300_000);

const skipped = kafkaSkipped === null ? '' : ` (skipped: ${kafkaSkipped})`;
describe.skipIf(skipped !== '')(`through Kafka, seed ${seed}${skipped}`, () => {
  let path: WholePath;
  beforeAll(async () => {
    path = await WholePath.start([]);
  }, PATIENCE_MS);
  afterAll(() => path?.stop());

  test('F21: without a broker the form answers 503 with its text, and goes on with it', async () => {
    const { kafka, viewcast } = path;
    const send = (value: string) =>
      fetch(`${viewcast.page}/example/`, {
        method: 'POST',
        body: new URLSearchParams({ value }),
        redirect: 'manual',
      });
    await until('a message goes through', async () => (await send('before')).status === 303);
    await kafka.broker.kill();
    const refused = await until('it is refused', async () => {
      const response = await send('my long text');
      return response.status === 503 ? response : null;
    });
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await refused.text()).toContain('value="my long text"');
    // Known to be away, it is said at once.
    const startMs = Date.now();
    expect((await send('at once')).status).toBe(503);
    expect(Date.now() - startMs).toBeLessThan(3_000);
    await kafka.broker.start();
    await until('it goes on', async () => (await send('after')).status === 303);
  }, 240_000);

  test('F21: broker, engine and server killed at random', async () => {
    const { kafka, viewcast } = path;
    const random = new Random(seed);
    const before = (await fetchRows(viewcast, 'archive')).length;
    const senders = new Senders(viewcast, random);
    await torment(senders, random, [
      () => kill(viewcast, 'server'),
      () => kill(viewcast, 'engine'),
      async () => {
        await kafka.broker.kill();
        await pause(random.integer(0, 6_000));
        await kafka.broker.start();
      },
    ]);
    await until('all are shown', async () => {
      const rows = await fetchRows(viewcast, 'archive');
      return rows.length - before >= senders.archived.size;
    });
    const texts = (await fetchRows(viewcast, 'archive')).map((row) => String(row[4]));
    const own = texts.filter((text) => text.startsWith('message '));
    expect(new Set(own)).toEqual(senders.archived);
    expect(own.length).toBe(senders.archived.size);
  }, 400_000);
});
