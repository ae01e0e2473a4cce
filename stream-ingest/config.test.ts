import { expect, test } from 'vitest';
import { readConfig } from './config.ts';

test('without a word it is the live stream into the engine beside', () => {
  expect(readConfig([], {})).toEqual({
    kind: 'config',
    config: {
      engine: 'postgres://materialize@127.0.0.1:6875/materialize',
      input: {
        kind: 'live',
        url: 'https://stream.wikimedia.org/v2/stream/recentchange',
        contact: null,
        record: null,
      },
      logLevel: 'info',
    },
  });
});

test('flags win over the environment, and an empty variable is none', () => {
  const env = { VIEWCAST_INPUT: 'generate', VIEWCAST_RATE: '', VIEWCAST_SPEED: '10' };
  expect(readConfig([], env)).toMatchObject({ config: { input: { kind: 'generated', rate: 30 } } });
  expect(readConfig(['--replay', 'a.sse'], env)).toMatchObject({
    config: { input: { kind: 'recorded', file: 'a.sse', speed: 10 } },
  });
  expect(readConfig(['--replay', 'a.sse', '--speed', 'max'], env)).toMatchObject({
    config: { input: { speed: 'max' } },
  });
});

test('everything that is wrong is said at once', () => {
  const result = readConfig([], {
    VIEWCAST_INPUT: 'tape',
    VIEWCAST_SPEED: '0',
    VIEWCAST_RATE: 'fast',
    VIEWCAST_ENGINE: 'http://127.0.0.1',
  });
  if (result.kind !== 'errors') throw new Error(`expected errors, got ${result.kind}`);
  expect(result.errors).toHaveLength(4);
  expect(result.errors.join()).toContain('VIEWCAST_INPUT must be live, replay or generate');
  expect(readConfig([], { VIEWCAST_INPUT: 'replay' }).kind).toBe('errors');
  expect(readConfig(['--tape'], {}).kind).toBe('errors');
  expect(readConfig(['--help'], { VIEWCAST_RATE: 'fast' }).kind).toBe('help');
});
