import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { parseClientMessage } from '../protocol/client-message.ts';
import { CLOSE, closeReason } from '../protocol/close.ts';
import type { ServerMessage, Subscribe } from '../protocol/message.ts';
import { batches } from './batches.ts';
import { connect } from './client.ts';
import { openWebSocket } from './web-socket.ts';

const HELLO: ServerMessage = {
  type: 'hello',
  protocol: 1,
  schema: '',
  auth: 'none',
  quietMs: 15_000,
  limits: {
    messageBytes: 16_384,
    jsonDepth: 8,
    subscriptions: 100,
    messagesPerSecond: 20,
    messageBurst: 40,
    unacknowledgedBytes: 262_144,
    laggingMs: 60_000,
  },
};

/** Serves the protocol's path on a free port; `subscribed` answers each subscription. */
async function serve(subscribed: (socket: WebSocket, message: Subscribe) => void) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/api/v1' });
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  server.on('connection', (socket) => {
    tell(socket, HELLO);
    socket.on('message', (data) => {
      const message = parseClientMessage(String(data));
      if (message.type === 'subscribe') subscribed(socket, message);
    });
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const tell = (socket: WebSocket, message: ServerMessage) => socket.send(JSON.stringify(message));

/** Answers with the batch from what the viewer holds to one timestamp more. */
function answer(socket: WebSocket, { id, from }: Subscribe): void {
  const lower = typeof from?.timestamp === 'number' ? from.timestamp : null;
  const upper = (lower ?? 0) + 1;
  tell(socket, {
    type: 'subscribed',
    id,
    channel: 7,
    epoch: 'e',
    columns: { counter: [{ name: 'count', type: 'bigint' }] },
    resumed: lower === null ? 'snapshot' : 'batch',
  });
  const row = [1, [upper]] as const;
  const before = lower === null ? [] : [[-1, [lower]] as const];
  const changes = { counter: [...before, row] };
  tell(socket, { type: 'batch', channel: 7, lower, upper, changes });
}

test('over a real WebSocket: follow, lose the connection, go on from there, close', async () => {
  const resumed: unknown[] = [];
  const url = await serve((socket, message) => {
    resumed.push(message.from?.timestamp ?? null);
    answer(socket, message);
    if (resumed.length < 3) {
      socket.close(CLOSE.draining.code, closeReason(CLOSE.draining, 1));
    }
  });
  const client = connect<{ counter: readonly [number] }>(url);
  const states: string[] = [];
  const counter = client.subscribe('counter', { onStatus: ({ state }) => states.push(state) });
  for await (const { upper } of batches(counter)) if (upper === 3) break;
  expect(counter.rows('counter')).toEqual([[3]]);
  expect(resumed).toEqual([null, 1, 2]);
  expect(states).toEqual(['live', 'resuming', 'live', 'resuming', 'live']);
  client.close();
  expect(client.connection).toBe('closed');
});

test('closing while the handshake is under way is quiet', async () => {
  const url = await serve(answer);
  const client = connect(url);
  expect(client.connection).toBe('opening');
  client.close();
  expect(client.connection).toBe('closed');
});

test('a handshake that fails is told once', async () => {
  const url = await serve(answer);
  const closes: number[] = [];
  openWebSocket(`${url.replace('http', 'ws')}/elsewhere`, {
    opened: () => {},
    message: () => {},
    closed: (code) => closes.push(code),
  });
  await expect.poll(() => closes).toEqual([1006]);
});

test('a url that is none is refused at once', () => {
  expect(() => connect('nowhere')).toThrow('Invalid URL');
});
