import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { exists, isIgnored, needsOf, read, sources } from './project-files.ts';

const condition = z.looseObject({ condition: z.string() });
const serviceSchema = z.looseObject({
  image: z.string(),
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  depends_on: z.record(z.string(), condition).default({}),
  healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
  ports: z.array(z.string()).default([]),
  profiles: z.array(z.string()).default([]),
  restart: z.string(),
  volumes: z.array(z.string()).default([]),
});
const { services, volumes } = z
  .object({
    services: z.record(z.string(), serviceSchema),
    volumes: z.record(z.string(), z.null()),
  })
  .loose()
  .parse(parse(read('docker-compose.yml'), { merge: true }));
const all = Object.entries(services);
const ours = all.filter(([, { build }]) => build !== undefined);
const manifest = z
  .object({
    scripts: z.record(z.string(), z.string()),
    dependencies: z.record(z.string(), z.string()),
  })
  .parse(JSON.parse(read('package.json')));

/** What a service of ours runs: a file, by itself or through an npm script. */
function programOf({ command, entrypoint }: z.infer<typeof serviceSchema>): string {
  const words = entrypoint ?? command ?? dockerfileCommand();
  const script = words[0] === 'npm' ? manifest.scripts[words.at(-1) ?? ''] : words.join(' ');
  return /\S+\.ts/.exec(script ?? '')?.[0] ?? `no program in ${words.join(' ')}`;
}

function dockerfileCommand(): readonly string[] {
  const [, json = '[]'] = /^CMD (\[.*\])$/m.exec(read('Dockerfile')) ?? [];
  return z.array(z.string()).parse(JSON.parse(json));
}

const programs = [
  ...new Set([...ours.map(([, service]) => programOf(service)), 'embedded/main.ts']),
];

/** The variables that the code reads; those of tests alone are among them. */
const variables = new Set(
  sources().flatMap((path) =>
    [...read(path).matchAll(/\bVIEWCAST_[A-Z0-9_]*[A-Z0-9]\b(?!_)/g)].map(String),
  ),
);

test('the services of the mission are there, and what a user has at first is one command', () => {
  expect(Object.keys(services)).toEqual(
    expect.arrayContaining([
      'kafka',
      'schema-registry',
      'materialized',
      'stream-ingest',
      'server',
      'cli',
    ]),
  );
  const optional = all.filter(([, { profiles }]) => profiles.length > 0).map(([name]) => name);
  expect(optional).toEqual(['cli', 'materialized-old', 'sql-old', 'server-old']);
});

test('images are pinned, and ours is built here', () => {
  for (const [name, { image, build }] of all) {
    if (build === undefined) expect(image, name).toMatch(/^[\w./-]+:v?\d+\.\d+\.\d+(?:-[\w.]+)?$/);
    else expect([image, build], name).toEqual(['viewcast', '.']);
  }
  for (const [, from = ''] of read('Dockerfile').matchAll(/^FROM (\S+)/gm)) {
    expect(from).toMatch(/^node:22\.\d+\.\d+-bookworm-slim$|^(?:base|page|packages)$/);
  }
});

test('what waits for another service waits for something that can be known', () => {
  for (const [name, { depends_on, profiles }] of all) {
    for (const [other, { condition }] of Object.entries(depends_on)) {
      const needed = services[other];
      if (needed === undefined) throw new Error(`${name} depends on ${other}, which is no service`);
      if (condition === 'service_healthy')
        expect(needed.healthcheck, `${name} → ${other}`).toBeDefined();
      else
        expect([condition, needed.restart]).toEqual([
          'service_completed_successfully',
          'on-failure:5',
        ]);
      if (profiles.length === 0) expect(needed.profiles, `${name} → ${other}`).toEqual([]);
    }
  }
});

test('every service that goes on running is asked how it is', () => {
  const unasked = all.filter(([, it]) => it.healthcheck === undefined).map(([name]) => name);
  expect(unasked).toEqual(['sql', 'cli', 'sql-old']);
});

test('ports are published once, and on this machine alone', () => {
  const ports = all.flatMap(([, { ports }]) => ports);
  const published = ports.map((port) => {
    const [, outside] = /^\$\{PUBLISH_ADDRESS:-127\.0\.0\.1\}:(\d+):\d+$/.exec(port) ?? [];
    return outside ?? `${port} is published everywhere`;
  });
  expect(new Set(published).size).toBe(published.length);
  expect(published).toEqual(expect.arrayContaining(['8875', '8080', '6875']));
  expect(
    published.every((port) => /^\d+$/.test(port)),
    published.join(),
  ).toBe(true);
});

test('volumes are named; from this folder nothing is mounted but what is only read', () => {
  const used = new Set<string>();
  for (const [name, service] of all) {
    for (const volume of service.volumes) {
      const [from = '', , mode] = volume.split(':');
      if (!from.startsWith('.')) used.add(from);
      else expect([exists(from), mode], `${name}: ${volume}`).toEqual([true, 'ro']);
    }
  }
  expect([...used].sort()).toEqual(Object.keys(volumes).sort());
});

test('our services run programs that exist, with variables that these read', () => {
  for (const [name, service] of ours) {
    expect(exists(programOf(service)), `${name}: ${programOf(service)}`).toBe(true);
    for (const variable of Object.keys(service.environment)) {
      expect(variables.has(variable), `${name}: ${variable}`).toBe(true);
    }
    const { VIEWCAST_UPSTREAM: upstream } = service.environment;
    if (upstream !== undefined) expect(Object.keys(services)).toContain(new URL(upstream).hostname);
  }
});

test('the image holds what they need, and nothing else', () => {
  const patterns = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const { files, packages } = needsOf(programs);
  expect(files.size).toBeGreaterThan(200);
  expect([...files].filter((path) => isIgnored(patterns, path))).toEqual([]);
  const missing = [...packages].filter((name) => manifest.dependencies[name] === undefined);
  expect(missing).toEqual([]);
  const others = ['.env', '.git/config', 'node_modules/x.js', 'data/live/x', 'server/main.test.ts'];
  const secrets = [...others, 'web/dist/index.html', 'tests/viewcast.ts', 'README.md', 'deploy/x'];
  expect(secrets.filter((path) => !isIgnored(patterns, path))).toEqual([]);
  for (const path of [
    'sql/views/a.sql',
    'avro_schemas/a.avsc',
    'package-lock.json',
    'web/index.html',
    'LICENSE',
  ]) {
    expect(isIgnored(patterns, path), path).toBe(false);
  }
});

test('the Dockerfile copies what exists, and what runs is not root', () => {
  const text = read('Dockerfile');
  for (const [, from = ''] of text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
    for (const path of from.split(' ')) expect(exists(path), path).toBe(true);
  }
  expect(/^USER (.*)$/m.exec(text)?.[1]).toBe('1000:1000');
  expect(text.lastIndexOf('USER')).toBeGreaterThan(text.lastIndexOf('RUN'));
});

test('nginx stands where the compose file has it, in front of the server', () => {
  const conf = read('deploy/nginx.conf');
  const listen = /listen (\d+);/.exec(conf)?.[1];
  expect(services.nginx?.ports).toEqual([`\${PUBLISH_ADDRESS:-127.0.0.1}:${listen}:${listen}`]);
  const [, host = '', port] = /server (\S+):(\d+);/.exec(conf) ?? [];
  expect(services[host]?.environment.VIEWCAST_PORT).toBe(port);
  expect(services[host]?.environment.VIEWCAST_HOST).toBe('0.0.0.0');
});

test('.env.example documents every variable that the code or the compose file reads', () => {
  const interpolated = [...read('docker-compose.yml').matchAll(/\$\{(\w+)/g)].map(
    ([, it]) => it ?? '',
  );
  const documented = [...read('.env.example').matchAll(/^# (\w+)=/gm)].map(([, it]) => it ?? '');
  const wanted = new Set([...variables, ...interpolated]);
  expect(documented.filter((name, at) => documented.indexOf(name) !== at)).toEqual([]);
  expect(
    [...wanted].filter((name) => !documented.includes(name)),
    'not in .env.example',
  ).toEqual([]);
  expect(
    documented.filter((name) => !wanted.has(name)),
    'read by nothing',
  ).toEqual([]);
});
