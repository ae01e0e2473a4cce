import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { EngineProcess } from '../server/upstream/engine-process.ts';
import { NginxProcess, whyNoNginx } from './nginx-process.ts';
import { ServerProcess } from './server-process.ts';

describe.skipIf(whyNoNginx !== '')(`nginx in front of the server ${whyNoNginx}`, () => {
  let engine: EngineProcess;
  let server: ServerProcess;
  let nginx: NginxProcess;
  const web = mkdtempSync(join(tmpdir(), 'viewcast-web-'));
  const outside = () => `127.0.0.1:${nginx.port}`;
  const inside = () => `127.0.0.1:${server.port}`;

  beforeAll(async () => {
    writeFileSync(join(web, 'index.html'), '<!doctype html><title>the page</title>');
    engine = await EngineProcess.start();
    await engine.sql(
      'CREATE TABLE edits (id bigint)',
      'CREATE MATERIALIZED VIEW counter AS SELECT count(*) AS count FROM edits',
    );
    server = await ServerProcess.start(engine.url, {
      VIEWCAST_WEB: web,
      VIEWCAST_TRUSTED_PROXIES: '127.0.0.0/8',
      VIEWCAST_CONNECTIONS_PER_ADDRESS: '1',
    });
    nginx = await NginxProcess.start(server.port);
  });

  afterAll(async () => {
    await nginx?.stop();
    await server?.stop();
    await engine?.stop();
    rmSync(web, { recursive: true, force: true });
  });

  const insert = () => engine.sql('INSERT INTO edits VALUES (1)');

  test.each(['/', '/api/views/counter', '/openapi.json', '/nosuch', '/example/', '/ws-example/'])(
    '%s is answered as the server answers',
    async (path) => {
      const [through, direct] = await Promise.all(
        [outside(), inside()].map(async (host) => {
          const response = await fetch(`http://${host}${path}`, { redirect: 'manual' });
          const headers = ['content-type', 'content-security-policy', 'location'];
          return [response.status, headers.map((name) => response.headers.get(name))];
        }),
      );
      expect(through).toEqual(direct);
      if (path === '/' || path === '/example/') expect(through?.[0]).toBe(200);
    },
  );

  /** What a stream sends after each row that is inserted, one after the other. */
  async function follow(next: () => Promise<string>): Promise<void> {
    let text = await next();
    for (let round = 0; round < 3; round++) {
      const [[count] = []] = await engine.sql('SELECT count FROM counter');
      await insert();
      // Nothing else happens: a buffer that waits for more would wait for ever.
      const wanted = `[[${Number(count) + 1}]]`;
      while (!text.includes(wanted)) text = await next();
    }
  }

  test.each([
    ['server-sent events', { Accept: 'text/event-stream' }],
    ['lines', {}],
  ])('%s come as they are sent', async (_, headers) => {
    const cut = new AbortController();
    onTestFinished(() => cut.abort());
    const url = `http://${outside()}/api/stream/counter`;
    const { body } = await fetch(url, { headers, signal: cut.signal });
    if (body === null) throw new Error('no body');
    const reader = body.getReader();
    await follow(async () => new TextDecoder().decode((await reader.read()).value));
  });

  test.each(['/api/stream/counter', '/api/v1/stream/counter'])(
    'a WebSocket on %s is passed through',
    async (path) => {
      const socket = new WebSocket(`ws://${outside()}${path}`, { origin: `http://${outside()}` });
      onTestFinished(() => socket.terminate());
      await follow(messagesOf(socket));
    },
  );

  test('so is the session of the page', async () => {
    const socket = new WebSocket(`ws://${outside()}/api/v1`, { origin: `http://${outside()}` });
    onTestFinished(() => socket.terminate());
    expect(JSON.parse(await messagesOf(socket)())).toMatchObject({ type: 'hello' });
  });

  test('a WebSocket of another site is refused through nginx too', async () => {
    const socket = new WebSocket(`ws://${outside()}/api/v1`, {
      origin: 'http://elsewhere.example',
    });
    const status = await new Promise((resolve) => {
      socket.once('unexpected-response', (_, response) => resolve(response.statusCode));
      socket.once('open', () => resolve('open'));
      socket.once('error', () => resolve('error'));
    });
    expect(status).toBe(403);
    socket.terminate();
  });

  test('the two-way socket of the example is answered as the server answers', async () => {
    const answers = await Promise.all(
      [outside(), inside()].map((host) => {
        const socket = new WebSocket(`ws://${host}/example/ws/`, { origin: `http://${host}` });
        return new Promise((resolve) => {
          socket.once('unexpected-response', (_, response) => resolve(response.statusCode));
          socket.once('open', () => resolve('open'));
          socket.on('error', () => {});
        }).finally(() => socket.terminate());
      }),
    );
    expect(answers[0]).toBe(answers[1]);
  });

  test('an address that a visitor claims is not believed', async () => {
    const cut = new AbortController();
    onTestFinished(() => cut.abort());
    // One stream is allowed to an address; all of these come from this machine, which may have more.
    for (let i = 0; i < 3; i++) {
      const response = await fetch(`http://${outside()}/api/stream/counter`, {
        headers: { 'X-Forwarded-For': '203.0.113.9' },
        signal: cut.signal,
      });
      expect(response.status).toBe(200);
    }
  });
});

/** Gives one message after the other. */
function messagesOf(socket: WebSocket): () => Promise<string> {
  const messages: string[] = [];
  let wake = () => {};
  socket.on('message', (bytes) => {
    messages.push(String(bytes));
    wake();
  });
  return async () => {
    while (messages.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return messages.shift() ?? '';
  };
}
