import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HELP } from './command-line.ts';
import { type Options, parseOptions } from './options.ts';

function options(argv: readonly string[], environment: Record<string, string> = {}): Options {
  const parsed = parseOptions(argv, environment);
  if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
  return parsed.options;
}

function problems(argv: readonly string[], environment: Record<string, string> = {}) {
  const parsed = parseOptions(argv, environment);
  return parsed.kind === 'invalid' ? parsed.problems : [];
}

test('nothing said means live on the documented ports', () => {
  expect(options([])).toEqual({
    host: '127.0.0.1',
    port: 8875,
    sqlPort: 6875,
    data: 'data',
    sql: null,
    input: { kind: 'live', contact: null, record: null },
    kafka: null,
    workers: 1,
    drainMs: 8_000,
    quiet: false,
  });
});

test('every option of the help has an environment variable that does the same', () => {
  const said = options(
    (
      '--host ::1 --port 1 --sql-port 2 --data d --sql s --replay f --speed max --quiet ' +
      '--workers 3 --drain-ms 4'
    ).split(' '),
  );
  expect(said).toEqual(
    options([], {
      VIEWCAST_HOST: '::1',
      VIEWCAST_PORT: '1',
      VIEWCAST_SQL_PORT: '2',
      VIEWCAST_DATA_DIR: 'd',
      VIEWCAST_SQL: 's',
      VIEWCAST_REPLAY: 'f',
      VIEWCAST_SPEED: 'max',
      VIEWCAST_QUIET: '1',
      VIEWCAST_WORKERS: '3',
      VIEWCAST_DRAIN_MS: '4',
    }),
  );
  expect(said.input).toEqual({ kind: 'recorded', file: 'f', speed: 'max' });
  const variables = [...HELP.matchAll(/VIEWCAST_\w+/g)].map(([name]) => name);
  expect(variables).toHaveLength(16);
});

test('Kafka needs a registry and takes nothing but live changes', () => {
  const kafka = ['--kafka', 'a:9092,b:9092'];
  const registry = 'http://localhost:8081';
  const addresses = { kafka: 'a:9092,b:9092', registry };
  expect(options([...kafka, '--registry', registry]).kafka).toEqual(addresses);
  const environment = { VIEWCAST_KAFKA: 'a:9092,b:9092', VIEWCAST_REGISTRY: registry };
  expect(options([], environment).kafka).toEqual(addresses);
  expect(problems(kafka)).toEqual([
    '--kafka needs the schema registry: --registry http://localhost:8081',
  ]);
  expect(problems(['--registry', registry])).toEqual([
    '--registry is for Kafka: it needs --kafka LIST',
  ]);
  expect(problems(['--kafka', 'a', '--registry', 'b', '--generate'])).toEqual([
    '--kafka is "a": expected host:port, got "a"',
    '--kafka takes live changes: the topic recentchange is for those alone, so leave out --generate',
    '--registry is "b": expected http://host:port',
  ]);
});

test('what the server takes no more of is refused with its bounds', () => {
  expect(problems(['--workers', '0', '--drain-ms', '1.5'])).toEqual([
    '--workers is "0": expected a whole number from 1 to 128',
    '--drain-ms is "1.5": expected a whole number from 0 to 600000',
  ]);
});

test('--generate takes a rate, or none', () => {
  expect(options(['--generate']).input).toEqual({ kind: 'generated', rate: 30 });
  expect(options(['--generate', '--quiet']).input).toEqual({ kind: 'generated', rate: 30 });
  expect(options(['--generate', '200']).input).toEqual({ kind: 'generated', rate: 200 });
  expect(options(['--generate=0.5']).input).toEqual({ kind: 'generated', rate: 0.5 });
  expect(options([], { VIEWCAST_GENERATE: '7' }).input).toEqual({ kind: 'generated', rate: 7 });
  expect(problems(['--generate', 'abc'])).toEqual([
    '--generate is "abc": expected events per second, above 0 and up to 100000',
  ]);
});

test('an input on the command line overrides one of the environment', () => {
  expect(options(['--live'], { VIEWCAST_GENERATE: '7' }).input.kind).toBe('live');
  expect(options(['--generate'], { VIEWCAST_REPLAY: 'f' }).input.kind).toBe('generated');
});

test('all problems are told at once', () => {
  expect(problems(['--port', 'x', '--sql-port=70000', '--speed', '2', '--live'])).toEqual([
    '--speed sets the pace of a recording: it needs --replay FILE',
    '--port is "x": expected a port from 0 to 65535',
    '--sql-port is "70000": expected a port from 0 to 65535',
  ]);
});

test('who runs it is told to Wikimedia, however it was said', () => {
  const live = { kind: 'live', contact: 'me@example.org', record: null };
  expect(options(['--contact', 'me@example.org']).input).toEqual(live);
  expect(options([], { VIEWCAST_CONTACT: 'me@example.org' }).input).toEqual(live);
});

test('what does not go together is refused', () => {
  expect(problems(['--live', '--generate'])).toHaveLength(1);
  expect(problems(['--generate', '--record', 'f'])).toHaveLength(1);
  expect(problems(['--replay', ''])).toHaveLength(1);
  expect(problems(['--port', '7', '--sql-port', '7'])).toHaveLength(1);
  expect(problems(['--port', '0', '--sql-port', '0'])).toHaveLength(0);
  expect(problems(['--replay', 'f', '--speed', '0'])).toHaveLength(1);
  expect(problems(['--generate=0'])).toHaveLength(1);
  expect(problems([], { VIEWCAST_QUIET: 'maybe' })).toHaveLength(1);
});

test('an unknown option is told by name', () => {
  expect(problems(['--colour'])[0]).toContain("'--colour'");
  expect(problems(['stray'])[0]).toContain("'stray'");
});

test('no command line makes it throw', () => {
  const word = fc.oneof(
    fc.constantFrom(
      '--generate',
      '--replay',
      '--port',
      '--speed',
      '--quiet',
      '--',
      '-h',
      '--port=',
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (argv) => {
      const parsed = parseOptions(argv, {});
      expect(parsed.kind === 'invalid' ? parsed.problems.length : 1).toBeGreaterThan(0);
    }),
  );
});
