/** Containers as docker-compose.yml describes them, for tests. */
import { GenericContainer, Network, type StartedNetwork, Wait } from 'testcontainers';
import { parse } from 'yaml';
import { z } from 'zod';
import { read } from '../../deploy/project-files.ts';

const serviceSchema = z.object({
  image: z.string(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
});
const { services } = z
  .object({ services: z.record(z.string(), serviceSchema) })
  .parse(parse(read('docker-compose.yml'), { merge: true }));

/** A large image may have to be fetched first. */
export const START_MS = 600_000;

/** A service's image, command, environment and health check; it has no ports and no network yet. */
export function container(name: string): GenericContainer {
  const service = services[name];
  if (service === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  const { image, command, environment, healthcheck } = service;
  const settings = Object.entries(environment).map(([key, value]) => [key, withDefaults(value)]);
  const made = new GenericContainer(image)
    .withEnvironment(Object.fromEntries(settings))
    .withStartupTimeout(START_MS);
  if (command !== undefined) made.withCommand([...command]);
  if (healthcheck === undefined) return made;
  const [, ...words] = healthcheck.test;
  // Compose writes a dollar twice.
  const test = words.map((word) => word.replaceAll('$$', '$'));
  return made
    .withHealthCheck({ test: ['CMD', ...test], interval: 2_000, timeout: 4_000, retries: 200 })
    .withWaitStrategy(Wait.forHealthCheck());
}

/** `${NAME:-default}` without a .env. */
function withDefaults(text: string): string {
  return text.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');
}

/** A network in which services find each other by their names. */
export function openNetwork(): Promise<StartedNetwork> {
  return new Network().start();
}
