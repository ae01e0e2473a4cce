import { expect, test } from 'vitest';
import { readConfig } from './config.ts';

test('without a word it is the live stream into the engine beside', () => {
  expect(readConfig([], {})).toEqual({
    kind: 'config',
    config: {
      output: { kind: 'engine', url: 'postgres://materialize@127.0.0.1:6875/materialize' },
      input: {
        kind: 'live',
        url: 'https://stream.wikimedia.org/v2/stream/recentchange',
        contact: null,
        record: null,
      },
      healthPort: null,
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
    VIEWCAST_ENGINE: 'http://me:hunter2@127.0.0.1',
  });
  if (result.kind !== 'errors') throw new Error(`expected errors, got ${result.kind}`);
  expect(result.errors).toHaveLength(4);
  expect(result.errors.join()).toContain('VIEWCAST_INPUT must be live, replay or generate');
  expect(result.errors.join()).not.toContain('hunter2');
  expect(readConfig([], { VIEWCAST_INPUT: 'replay' }).kind).toBe('errors');
  expect(readConfig(['--tape'], {}).kind).toBe('errors');
  expect(readConfig(['--help'], { VIEWCAST_RATE: 'fast' }).kind).toBe('help');
});

test('Kafka needs its registry, and never takes invented changes for real ones', () => {
  const kafka = ['--kafka', 'a:9092,b:9092'];
  const registry = ['--registry', 'http://localhost:8081'];
  expect(readConfig([...kafka, ...registry], {})).toMatchObject({
    config: {
      output: {
        kind: 'kafka',
        brokers: 'a:9092,b:9092',
        login: { ssl: false, sasl: null },
        registry: 'http://localhost:8081',
        topic: 'recentchange',
        deadLetters: 'data/dead-letters.jsonl',
      },
    },
  });
  const errors = (args: readonly string[], env = {}) => {
    const result = readConfig(args, env);
    return result.kind === 'errors' ? result.errors.join('\n') : result.kind;
  };
  expect(errors(kafka)).toContain('VIEWCAST_REGISTRY must be the URL of the schema registry');
  expect(errors([...kafka, ...registry, '--generate'])).toContain('invented changes never go to');
  expect(errors([...kafka, ...registry, '--generate', '--topic', 'invented'])).toBe('config');
  expect(errors(['--kafka', 'a', '--topic', 'a b'])).toBe(
    'VIEWCAST_KAFKA must be host:port of brokers, by commas, and is "a"\n' +
      'VIEWCAST_TOPIC must be letters, digits, ".", "_" and "-", and is "a b"',
  );
  expect(errors([...kafka, ...registry], { VIEWCAST_KAFKA_USER: 'me' })).toContain(
    'VIEWCAST_KAFKA_PASSWORD must be set',
  );
  // A flag for the engine wins over the environment.
  const env = { VIEWCAST_KAFKA: 'a:9092', VIEWCAST_REGISTRY: 'http://localhost:8081' };
  expect(readConfig(['--engine', 'postgres://127.0.0.1/x'], env)).toMatchObject({
    config: { output: { kind: 'engine' } },
  });
});
