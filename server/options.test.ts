import { expect, test } from 'vitest';
import { readConfig } from './config.ts';
import { HELP, parseOptions } from './options.ts';

function read(argv: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const parsed = parseOptions(argv, environment);
  if (parsed.kind !== 'run') return parsed;
  const result = readConfig(parsed.environment);
  return result.kind === 'config' ? result.config : result.errors.map(parsed.naming);
}

const URL = 'postgres://materialize@db:6875/materialize';

test('options say what variables say, and win over them', () => {
  const argv = ['--upstream', URL, '--views=stock,orders', '--port', '9000', '--workers', '2'];
  expect(read(argv, { VIEWCAST_PORT: '1', VIEWCAST_HOST: '0.0.0.0' })).toMatchObject({
    upstream: URL,
    views: ['stock', 'orders'],
    port: 9000,
    workers: 2,
    host: '0.0.0.0',
  });
});

test('what is wrong is named as it was given, and without a password', () => {
  expect(read(['--upstream', URL])).toEqual([
    expect.stringMatching(/^VIEWCAST_VIEWS must name the views to serve when --upstream is given/),
  ]);
  const wrong = read(['--port', '70000', '--upstream', 'http://u:hunter2@db/', '--views', '*']);
  expect(wrong).toEqual([
    '--port must be a whole number from 0 to 65535, got "70000"',
    expect.stringMatching(/^--upstream must be a URL such as postgres:.*got "http:\/\/u:…@db\/"$/),
  ]);
});

test('an option that does not exist is told with where to look', () => {
  expect(read(['--veiws', 'a'])).toEqual({
    kind: 'invalid',
    problem: "Unknown option '--veiws': npm run server -- --help lists the options",
  });
});

test('--help names every option with its variable', () => {
  expect(read(['-h'])).toEqual({ kind: 'help' });
  for (const name of ['upstream', 'views', 'host', 'port', 'origins', 'trusted-proxies']) {
    expect(HELP).toContain(`--${name} `);
    expect(HELP).toContain(`VIEWCAST_${name.replaceAll('-', '_').toUpperCase()}`);
  }
});
