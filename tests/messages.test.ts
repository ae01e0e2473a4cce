/** Messages through a real `npm start`: HTTP, both sockets, the form with and without scripts. */
import { request as httpRequest } from 'node:http';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { connect, RefusedError } from '../client/client.ts';
import { submit } from '../client/submit.ts';
import { SessionClient } from '../server/session-client.ts';
import { launchChromium, NO_BROWSER } from '../web/chromium.ts';
import { fetchRows, isRunning, temporaryFolder, until, Viewcast } from './viewcast.ts';

const folder = temporaryFolder();
let viewcast: Viewcast;

beforeAll(async () => {
  viewcast = new Viewcast([
    ...['--data', folder.path, '--port', '0', '--sql-port', '0'],
    ...['--generate', '5', '--quiet'],
  ]);
  await viewcast.ready();
}, 90_000);

afterAll(async () => {
  await viewcast?.stop();
  folder.remove();
});

const uuid = () => crypto.randomUUID();
const json = { 'Content-Type': 'application/json' };

const post = (body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${viewcast.page}/api/messages`, {
    method: 'POST',
    headers: { ...json, ...headers },
    body: JSON.stringify(body),
  });

/** How often each text stands in the archive. */
async function archived(): Promise<ReadonlyMap<unknown, number>> {
  const rows = await fetchRows(viewcast, 'archive');
  const counts = new Map<unknown, number>();
  for (const row of rows) counts.set(row[4], (counts.get(row[4]) ?? 0) + 1);
  return counts;
}

test('over HTTP a message is answered when it is archived, or with where to see that', async () => {
  const text = `http ${uuid()}`;
  const response = await post({ topic: 'example', value: { value: text } }, { Prefer: 'wait=10' });
  expect(response.status).toBe(201);
  const state: { readonly id?: string } = Object(await response.json());
  expect(state).toMatchObject({ topic: 'example', state: 'archived' });
  expect((await archived()).get(text)).toBe(1);
  const location = response.headers.get('location') ?? '';
  expect(await (await fetch(`${viewcast.page}${location}`)).json()).toMatchObject({
    id: state.id,
    state: 'archived',
  });
  const later = await post({ topic: 'example', value: { value: `${text} later` } });
  expect([201, 202]).toContain(later.status);
  const watch = await fetch(`${viewcast.page}${later.headers.get('location')}`, {
    headers: { Accept: 'text/event-stream' },
  });
  // The stream ends by itself.
  expect(await watch.text()).toMatch(/event: accepted\n.*event: archived\ndata: \{.*"timestamp":/s);
});

test('the same id is archived once, another value under it is refused, and so is what does not fit', async () => {
  const [id, text] = [uuid(), `same ${uuid()}`];
  const message = { id, topic: 'example', value: { value: text } };
  const answers = await Promise.all([1, 2, 3, 4].map(() => post(message, { Prefer: 'wait=10' })));
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
  expect((await archived()).get(text)).toBe(1);
  const batch = [
    { id, topic: 'example', value: { value: `${text}!` } },
    { topic: 'example', value: { valeu: text } },
    { topic: 'example', value: { value: 'x'.repeat(251) } },
    { topic: 'nothing', value: {} },
    { topic: 'example', value: { value: `${text} batch` } },
  ];
  const answer: unknown = await (await post(batch, { Prefer: 'wait=10' })).json();
  const messages: { error?: string; state: string; message?: string }[] = Object(answer).messages;
  expect(messages.map((one) => one.error ?? one.state)).toEqual([
    'id_conflict',
    'invalid_value',
    'invalid_value',
    'unknown_topic',
    'archived',
  ]);
  expect(messages[1]?.message).toContain('"valeu": expected no such field');
  const texts = await archived();
  expect([texts.get(`${text}!`), texts.get(`${text} batch`)]).toEqual([undefined, 1]);
});

test('an id in capitals is the same message, and each sender is answered as it spelled it', async () => {
  const [id, text] = [uuid().replace(/^./, 'a'), `case ${uuid()}`];
  const capitals = id.toUpperCase();
  const message = { topic: 'example', value: { value: text } };
  const [first, second] = await Promise.all(
    [id, capitals].map((own) => post({ ...message, id: own }, { Prefer: 'wait=10' })),
  );
  expect(await first?.json()).toMatchObject({ id, state: 'archived' });
  expect(await second?.json()).toMatchObject({ id: capitals, state: 'archived' });
  expect(
    await (await fetch(`${viewcast.page}${second?.headers.get('location')}`)).json(),
  ).toMatchObject({ id: capitals, state: 'archived' });
  const client = new SessionClient(viewcast.page.replace('http', 'ws'), [
    { type: 'submit', ...message, id: capitals },
  ]);
  const example = new WebSocket(`${viewcast.page.replace('http', 'ws')}/example/ws/`);
  const heard: string[] = [];
  example.on('open', () =>
    example.send(JSON.stringify({ action: 'send', value: text, id: capitals })),
  );
  example.on('message', (data) => heard.push(String(data)));
  await until('both sockets are told', () => {
    const told = heard.some((one) => one.includes(`{"archived":"${capitals}"`));
    return told && client.all('archived').length > 0;
  });
  expect(client.all('archived')).toMatchObject([{ id: capitals }]);
  client.socket.terminate();
  example.terminate();
  expect((await archived()).get(text)).toBe(1);
});

test.each([
  ['no JSON', { headers: json, body: '{' }, 400],
  ['no UTF-8', { headers: json, body: new Uint8Array([0xff, 0xfe]) }, 400],
  ['another type', { headers: { 'Content-Type': 'text/plain' }, body: '{}' }, 415],
  ['NUL', { headers: json, body: '{"topic":"example","value":{"value":"a\\u0000"}}' }, 422],
  ['half a pair', { headers: json, body: '{"topic":"example","value":{"value":"\\ud800"}}' }, 422],
  ['10 MB', { headers: json, body: 'x'.repeat(10_000_000) }, 413],
  ['another site', { headers: { ...json, Origin: 'http://other.example' }, body: '{}' }, 403],
])('%s is refused, and the next request served', async (_, init, status) => {
  expect(await statusOf('/api/messages', init)).toBe(status);
  expect((await fetch(`${viewcast.page}/readyz`)).status).toBe(200);
});

test.each([
  ['no UTF-8', new Uint8Array([0x76, 0x3d, 0xff]), 400],
  ['no UTF-8 behind a percent sign', 'value=%ff', 400],
  ['NUL', 'value=a%00b', 422],
  ['10 MB', `value=${'x'.repeat(10_000_000)}`, 413],
])('a form of %s is refused, and the next request served', async (_, body, status) => {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  expect(await statusOf('/example/', { headers, body })).toBe(status);
  expect((await fetch(`${viewcast.page}/readyz`)).status).toBe(200);
});

/** Sends a body to its end whatever is answered meanwhile, which `fetch` does not. */
function statusOf(
  path: string,
  { headers, body }: { headers: Record<string, string>; body: string | Uint8Array },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      `${viewcast.page}${path}`,
      { method: 'POST', headers: { ...headers, 'Content-Length': String(body.length) } },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

test('hostile texts come back as they were, on every interface', async () => {
  const texts = ['<script>alert(1)</script>', '\u202eright to left', '"><img src=x>', '🜁 & \'"'];
  for (const text of texts) {
    const value = { value: `${text} ${uuid()}` };
    expect((await post({ topic: 'example', value }, { Prefer: 'wait=10' })).status).toBe(201);
    expect((await archived()).get(value.value)).toBe(1);
  }
  const html = await (await fetch(`${viewcast.page}/example/`)).text();
  expect(html).not.toContain('<script>alert');
  expect(html).not.toContain('<img');
  expect(html).toContain('&#60;script&#62;');
});

test('the form is answered when the archive holds its message, also for a program', async () => {
  const send = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(`${viewcast.page}/example/`, {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers,
      redirect: 'manual',
    });
  const text = `form ${uuid()}`;
  const id = uuid();
  const response = await send({ value: text, id });
  expect(response.status).toBe(303);
  const shown = await fetch(new URL(response.headers.get('location') ?? '', viewcast.page));
  expect(await shown.text()).toContain(text);
  // Sent twice it counts once; another text under the same id, after going back, is another message.
  expect((await send({ value: text, id })).status).toBe(303);
  expect((await send({ value: `${text} changed`, id })).status).toBe(303);
  const texts = await archived();
  expect([texts.get(text), texts.get(`${text} changed`)]).toEqual([1, 1]);
  const invented = await send({ value: '' });
  expect(invented.status).toBe(303);
  expect([...(await archived()).keys()].some((one) => / calls .* from /.test(String(one)))).toBe(
    true,
  );
  const long = await send({ value: 'y'.repeat(251) });
  expect(long.status).toBe(422);
  expect(await long.text()).toMatch(/at most 250 characters, got 251.*value="y{251}"/s);
  expect((await send({ value: 'x' }, { 'Sec-Fetch-Site': 'cross-site' })).status).toBe(403);
  expect((await send({ value: 'x' }, { Origin: 'null' })).status).toBe(403);
});

/** The example system's own client (ws-example.js), in what it says and needs to hear. */
class OriginalClient {
  readonly log: { readonly out?: string; readonly in?: unknown }[] = [];
  items: { value: string; data_provenance: string[]; created_date: string; timestamp: string }[] =
    [];
  #socket: WebSocket | null = null;
  #listing: NodeJS.Timeout | undefined;

  /** Connects with the first thing to say, and again after a loss. */
  #say(request: object): void {
    const text = JSON.stringify(request);
    this.log.push({ out: text });
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(text);
      return;
    }
    const socket = new WebSocket(`${viewcast.page.replace('http', 'ws')}/example/ws/`);
    this.#socket = socket;
    socket.on('open', () => socket.send(text));
    socket.on('message', (data) => this.#hear(JSON.parse(String(data))));
    socket.on('error', () => {});
  }

  #hear(message: { items?: OriginalClient['items']; result?: string; error?: string }): void {
    this.log.push({ in: message });
    if (message.result !== undefined) {
      // It lists 500 ms after a result, once for several.
      clearTimeout(this.#listing);
      this.#listing = setTimeout(() => this.list(), 500);
    }
    if (message.items !== undefined) {
      // It joins the hops as it gets them.
      for (const item of message.items) item.data_provenance.join('\n');
      this.items = message.items;
    }
  }

  send(value: string): void {
    this.#say({ action: 'send', value });
  }

  list(since?: string): void {
    this.#say(since === undefined ? { action: 'list' } : { action: 'list', since });
  }

  say(text: string): void {
    this.#socket?.send(text);
  }

  heard<Key extends string>(key: Key): readonly unknown[] {
    return this.log.flatMap((entry) => {
      const message = entry.in;
      return message instanceof Object && key in message ? [Reflect.get(message, key)] : [];
    });
  }

  close(): void {
    clearTimeout(this.#listing);
    this.#socket?.close();
  }
}

test("the example system's own client works unchanged, and hears of what is archived", async () => {
  const [client, other] = [new OriginalClient(), new OriginalClient()];
  other.list();
  const text = `Homer texts Bart ${uuid()}`;
  client.send(text);
  await until('it has its result', () => client.heard('result').includes(text));
  expect(client.log.find((entry) => entry.in !== undefined)?.in).toEqual({
    result: text,
    status: 'ok',
  });
  await until('everybody has the item', () =>
    [client, other].every(({ items }) => items[0]?.value === text),
  );
  expect(Object.keys(other.items[0] ?? {})).toEqual([
    ...['id', 'data_id', 'data_provenance', 'timestamp', 'value', 'created_date'],
  ]);
  const [produced, kept, served] = other.items[0]?.data_provenance ?? [];
  expect(produced).toMatch(/^produce\.example\/\d{4}-/);
  expect(kept).toMatch(/^archive\.example\/\d{4}-/);
  expect(served).toMatch(/^web\/ws-example\/\d{4}-/);
  await until('it has listed by itself', () =>
    client.log.some(({ out }) => out === '{"action":"list"}'),
  );
  const since = other.items[0]?.created_date ?? '';
  const before = client.heard('items').length;
  client.list(since);
  await until('what came since', () => client.heard('items').length > before);
  expect(client.items.every((item) => item.created_date >= since)).toBe(true);
  expect(client.items[0]?.value).toBe(text);
  client.say('{"action":"foo"}');
  client.say('no JSON');
  await until('errors', () => client.heard('error').length === 2);
  expect(client.heard('error')).toEqual(['No action foo', 'expected a JSON object']);
  client.close();
  other.close();
}, 30_000);

test('the socket of the example system answers without its last slash, too', async () => {
  const socket = new WebSocket(`${viewcast.page.replace('http', 'ws')}/example/ws`);
  const heard: string[] = [];
  socket.on('open', () => socket.send('{"action":"list"}'));
  socket.on('message', (data) => heard.push(String(data)));
  await until('it lists', () => heard.some((one) => one.includes('"items"')));
  socket.terminate();
});

test('killed between accepting and archiving nothing is lost, and what is sent again counts once', async () => {
  const client = connect(`${viewcast.page.replace('http', 'ws')}/api/v1`);
  const view = client.subscribe(['archive_newest']);
  const sent: { readonly text: string; readonly done: Promise<unknown> }[] = [];
  let accepted = 0;
  /** Until it is archived: what cannot be taken now is sent again, under the same id. */
  const send = async (text: string, id: string): Promise<unknown> => {
    const submission = submit(client, 'example', { value: text }, { id });
    submission.accepted.then(
      () => {
        accepted += 1;
      },
      () => {},
    );
    try {
      return await submission.archived;
    } catch (error) {
      if (!(error instanceof RefusedError) || error.retryMs === undefined) throw error;
      await new Promise((resolve) => setTimeout(resolve, error.retryMs));
      return send(text, id);
    }
  };
  const kill = async (part: 'server' | 'engine'): Promise<void> => {
    const pid = await until(`the ${part} runs`, () => viewcast.parts()[part] ?? null);
    accepted = 0;
    for (let at = 0; at < 8; at++) {
      const text = `kill ${part} ${at} ${uuid()}`;
      sent.push({ text, done: send(text, uuid()) });
    }
    await until('some are accepted', () => accepted > 0 && isRunning(pid));
    process.kill(pid, 'SIGKILL');
  };
  await kill('server');
  await Promise.all(sent.map(({ done }) => done));
  await kill('engine');
  await Promise.all(sent.map(({ done }) => done));
  view.close();
  client.close();
  // Each view comes back by itself: that of the archive may be later than what told the senders.
  await until('what was archived is shown', async () => {
    const shown = await archived();
    return sent.every(({ text }) => shown.has(text));
  });
  const texts = await archived();
  expect(sent.map(({ text }) => texts.get(text))).toEqual(sent.map(() => 1));
}, 60_000);

test('while nobody accepts, nothing is said to be accepted; sent again it counts once', async () => {
  const form = (id: string, value: string) =>
    fetch(`${viewcast.page}/example/`, {
      method: 'POST',
      body: new URLSearchParams({ id, value }),
      redirect: 'manual',
    });
  await until('the engine takes messages', async () => (await form(uuid(), 'warm')).status === 303);
  const engine = await until('the engine runs', () => viewcast.parts().engine ?? null);
  const [id, text] = [uuid(), `frozen ${uuid()}`];
  process.kill(engine, 'SIGSTOP');
  try {
    const submitted = async (): Promise<unknown> => {
      const response = await post({ topic: 'example', value: {} }, { Prefer: 'wait=1' });
      const stands = await fetch(`${viewcast.page}${response.headers.get('location')}`);
      return [response.status, await response.json(), stands.status, await stands.json()];
    };
    const [answer, plain, waited] = await Promise.all([
      form(id, text),
      post({ topic: 'example', value: {} }),
      submitted(),
    ]);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect([plain.status, plain.headers.get('retry-after')]).toEqual([503, '1']);
    const state = expect.objectContaining({ state: 'submitted' });
    expect(waited).toEqual([202, state, 200, state]);
    expect(await answer.text()).toContain(`value="${text}"`);
  } finally {
    process.kill(engine, 'SIGCONT');
  }
  await until('it is archived', async () => (await form(id, text)).status === 303);
  expect((await archived()).get(text)).toBe(1);
}, 30_000);

test('two connections of one id are both told, after the batch that shows it', async () => {
  const id = uuid();
  const say = { type: 'submit', id, topic: 'example', value: { value: id } } as const;
  const views = [{ view: 'archive_newest' }, { view: 'archive' }];
  const clients = [1, 2].map(
    () =>
      new SessionClient(viewcast.page.replace('http', 'ws'), [
        { type: 'subscribe', id: 's', views },
        say,
      ]),
  );
  const retried = new Map<SessionClient, number>();
  await until('both are told', () => {
    for (const client of clients) {
      // The engine was killed a moment ago: what cannot be taken now is sent again.
      const errors = client.all('error').length;
      if (errors > (retried.get(client) ?? 0)) client.say(say);
      retried.set(client, errors);
    }
    return clients.every((one) => one.all('archived').length > 0);
  });
  for (const client of clients) {
    const at = client.heard.findIndex(({ type }) => type === 'archived');
    const shown = client.heard
      .slice(0, at)
      .some((one) => one.type === 'batch' && JSON.stringify(one).includes(id));
    expect(shown).toBe(true);
    client.socket.terminate();
  }
});

describe.skipIf(NO_BROWSER !== '')(`in a browser (${NO_BROWSER || 'Chromium'})`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  async function open(path: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(viewcast.page.replace('http', ''))) {
        const { origin } = new URL(request.url());
        if (origin !== viewcast.page && origin !== viewcast.page.replace('http', 'ws')) {
          faults.push(request.url());
        }
      }
    });
    await page.goto(`${viewcast.page}${path}`);
    expect(faults).toEqual([]);
    return page;
  }
  const firstValue = (page: Page) => page.locator('#items tr').first().locator('td').nth(4);

  test.each([true, false])('the form, scripts %s: one reads what one wrote', async (scripts) => {
    const page = await open('/example/', { javaScriptEnabled: scripts });
    const text = `browser ${uuid()} <b>&`;
    await page.fill('#value', text);
    await page.click('button');
    expect(await firstValue(page).textContent()).toBe(text);
    expect(new URL(page.url()).search).toMatch(/^\?message=/);
    // Going back gives a form of its own.
    await page.goBack();
    await page.fill('#value', `${text} again`);
    await page.dblclick('button');
    await page.waitForURL(/message=/);
    expect(await firstValue(page).textContent()).toBe(`${text} again`);
    const texts = await archived();
    expect([texts.get(text), texts.get(`${text} again`)]).toEqual([1, 1]);
    await page.context().close();
  });

  test('two tabs are live, and show each other what they sent', async () => {
    const [form, socket] = [await open('/example/'), await open('/ws-example/')];
    const [one, two] = [`tab ${uuid()}`, `tab ${uuid()}`];
    await socket.fill('#value', one);
    await socket.click('#form button');
    await firstValue(form).filter({ hasText: one }).waitFor();
    await form.fill('#value', two);
    await form.click('button');
    await firstValue(socket).filter({ hasText: two }).waitFor();
    const times = socket.locator('#sent tr').first().locator('td');
    await times.nth(3).filter({ hasText: /\d/ }).waitFor();
    const [accepted, whole] = [await times.nth(2).textContent(), await times.nth(3).textContent()];
    expect(Number(accepted)).toBeLessThanOrEqual(Number(whole));
    await form.context().close();
    await socket.context().close();
  });

  test.each(['/', '/ws-example/', '/docs/'])(
    '%s says what there is without scripts',
    async (path) => {
      const page = await open(path, { javaScriptEnabled: false });
      expect(await page.locator('noscript').innerText()).toContain('JavaScript');
      await page.context().close();
    },
  );

  test('/docs lists what is answered, and tries it', async () => {
    const page = await open('/docs');
    const text = `docs ${uuid()}`;
    const operation = page.locator('details', { hasText: 'POST /api/messages' });
    await operation.locator('summary').click();
    const body = { topic: 'example', value: { value: text } };
    await operation.locator('textarea').fill(JSON.stringify(body));
    await operation.locator('button').click();
    await operation.locator('pre', { hasText: '"state":"archived"' }).waitFor();
    expect((await archived()).get(text)).toBe(1);
    await page.context().close();
  });
});
