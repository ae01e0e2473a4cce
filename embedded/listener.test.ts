import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { type Listener, type ListenOptions, listen } from './listener.ts';
import { data, FakeEngine } from './session/fake-engine.ts';
import { frame, int32, text } from './wire/backend.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function serve(
  options: Partial<ListenOptions> = {},
): Promise<{ engine: FakeEngine; listener: Listener }> {
  const engine = new FakeEngine();
  const listener = await listen(engine, { host: '127.0.0.1', port: 0, ...options });
  open.push(listener);
  return { engine, listener };
}

/** A socket with everything it received. */
class Peer {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  readonly #closed: Promise<unknown>;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    this.socket.on('error', () => {});
    this.#closed = new Promise((resolve) => this.socket.once('close', resolve));
    open.push({ close: () => this.socket.destroy() });
  }

  send(...parts: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  async until(part: string): Promise<void> {
    await expect.poll(() => this.received.toString('latin1'), { timeout: 10_000 }).toContain(part);
  }

  async end(): Promise<void> {
    await this.#closed;
  }
}

const startup = (...parameters: readonly string[]): Buffer => {
  const body = Buffer.concat([int32(196608), ...[...parameters, ''].map(text)]);
  return Buffer.concat([int32(body.length + 4), body]);
};
const READY = 'Z\0\0\0\u0005I';

test('a client is asked for no password and told what it talks to', async () => {
  const { listener } = await serve();
  const peer = new Peer(listener.port);
  peer.send(int32(8), int32(80877104));
  await peer.until('N');
  peer.send(int32(8), int32(80877103));
  await peer.until('NN');
  peer.send(startup('user', 'me', 'application_name', 'probe'));
  await peer.until(READY);
  const said = peer.received.toString('latin1');
  for (const status of ['server_version\x009.5.0', 'mz_version\0v26', 'application_name\0probe']) {
    expect(said).toContain(status);
  }
});

test('start-up may be cut anywhere', async () => {
  const { listener } = await serve();
  const bytes = Buffer.concat([startup('user', 'me'), frame('Q', text('SELECT 1'))]);
  for (const at of [1, 4, 9, bytes.length - 3]) {
    const peer = new Peer(listener.port);
    peer.socket.setNoDelay(true);
    peer.send(bytes.subarray(0, at));
    await once(peer.socket, 'connect').catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    peer.send(bytes.subarray(at));
    await peer.until('SELECT 1#0');
  }
});

test('a cancel request with the right secret ends the statement, a wrong one does nothing', async () => {
  const { engine, listener } = await serve();
  const peer = new Peer(listener.port);
  peer.send(startup('user', 'me'));
  await peer.until(READY);
  const key = peer.received.indexOf(Buffer.from('K\0\0\0\u000c', 'latin1')) + 5;
  const [id, secret] = [peer.received.readInt32BE(key), peer.received.readInt32BE(key + 4)];
  peer.send(frame('Q', text('SUBSCRIBE v')));
  await expect.poll(() => engine.subscriptions.length).toBe(1);
  const stranger = new Peer(listener.port);
  stranger.send(int32(16), int32(80877102), int32(id), int32(secret ^ 1));
  await stranger.end();
  engine.subscriptions[0]?.push(data(1, 1, 'still', 'here'));
  await peer.until('still');
  new Peer(listener.port).send(int32(16), int32(80877102), int32(id), int32(secret));
  await peer.until('57014');
});

test('a client that is gone closes its subscription', async () => {
  const { engine, listener } = await serve();
  const peer = new Peer(listener.port);
  peer.send(startup('user', 'me'), frame('Q', text('SUBSCRIBE v')));
  await expect.poll(() => engine.subscriptions.length).toBe(1);
  peer.socket.destroy();
  await expect.poll(() => engine.subscriptions[0]?.closed).toBe(true);
});

test('bytes that are no PostgreSQL end only their own connection', async () => {
  const { listener } = await serve({ maxFrameBytes: 10_000 });
  const neighbour = new Peer(listener.port);
  neighbour.send(startup('user', 'me'));
  await neighbour.until(READY);
  const bytes = fc.uint8Array({ minLength: 5, maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(bytes, fc.boolean(), async (noise, started) => {
      const peer = new Peer(listener.port);
      if (started) peer.send(startup('user', 'me'));
      peer.send(noise);
      peer.socket.end();
      await peer.end();
    }),
    { numRuns: 60 },
  );
  const loud = new Peer(listener.port);
  loud.send(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
  await loud.until('is this a PostgreSQL client?');
  await loud.end();
  neighbour.send(frame('Q', text('SELECT 2')));
  await neighbour.until('SELECT 2#0');
});

test('one client too many is told so', async () => {
  const { listener } = await serve({ maxConnections: 1 });
  const first = new Peer(listener.port);
  first.send(startup('user', 'me'));
  await first.until(READY);
  const second = new Peer(listener.port);
  await second.until('53300');
  await second.end();
});

test('closing ends every session and gives everything back', async () => {
  const { engine, listener } = await serve();
  const peer = new Peer(listener.port);
  peer.send(startup('user', 'me'), frame('Q', text('BEGIN; INSERT 1; SUBSCRIBE v')));
  await peer.until('25001');
  await listener.close();
  await peer.until('57P01');
  expect(engine.log.at(-1)).toBe('release');
});

test('a port that is taken is an error of listen', async () => {
  const { listener } = await serve();
  await expect(
    listen(new FakeEngine(), { host: '127.0.0.1', port: listener.port }),
  ).rejects.toThrow('EADDRINUSE');
});
