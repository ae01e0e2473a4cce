import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readConfig } from './config.ts';
import { HELP, parseOptions } from './options.ts';

function read(argv: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const parsed = parseOptions(argv, environment);
  if (parsed.kind !== 'run') return parsed;
  const result = readConfig(parsed.environment);
  return result.kind === 'config' ? result.config : result.errors.map(parsed.naming);
}

const UPSTREAM = 'postgres://materialize@db:6875/materialize';

test('options say what variables say, and win over them', () => {
  const argv = ['--upstream', UPSTREAM, '--views=stock,orders', '--port', '9000', '--workers', '2'];
  expect(read(argv, { VIEWCAST_PORT: '1', VIEWCAST_HOST: '0.0.0.0' })).toMatchObject({
    upstream: UPSTREAM,
    views: ['stock', 'orders'],
    port: 9000,
    workers: 2,
    host: '0.0.0.0',
  });
});

test('what is wrong is named as it was given, and without a password', () => {
  expect(read(['--upstream', UPSTREAM])).toEqual([
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
  const text = readFileSync(new URL('config.ts', import.meta.url), 'utf8');
  const variables = [...text.matchAll(/^ {2}(VIEWCAST_\w+):/gm)].map(([, name = '']) => name);
  expect(variables).toContain('VIEWCAST_UPSTREAM');
  for (const name of variables) {
    expect(HELP).toContain(name);
    expect(HELP).toContain(
      `--${name.slice('VIEWCAST_'.length).replaceAll('_', '-').toLowerCase()} `,
    );
  }
});
