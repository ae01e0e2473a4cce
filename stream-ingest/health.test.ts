import { expect, onTestFinished, test } from 'vitest';
import { Health, serveHealth } from './health.ts';

async function serve() {
  const health = new Health();
  const server = await serveHealth(health, { host: '127.0.0.1', port: 0 });
  onTestFinished(() => server.close());
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return [response.status, await response.json()];
  };
  return { health, ask };
}

test('ready is who can write; what it waits for is told', async () => {
  const { health, ask } = await serve();
  expect(await ask('/livez')).toEqual([200, { live: true }]);
  expect(await ask('/readyz')).toEqual([
    503,
    { ready: false, input: null, waiting: 'the output is not open yet' },
  ]);
  health.opened();
  health.input('connected');
  expect(await ask('/readyz')).toEqual([200, { ready: true, input: 'connected' }]);
  health.away('no broker answers');
  health.input('reconnecting');
  expect(await ask('/readyz')).toEqual([
    503,
    { ready: false, input: 'reconnecting', waiting: 'no broker answers' },
  ]);
  health.away(null);
  expect(await ask('/readyz')).toEqual([200, { ready: true, input: 'reconnecting' }]);
});

test('nothing else is there', async () => {
  const { ask } = await serve();
  expect((await ask('/'))[0]).toBe(404);
});
