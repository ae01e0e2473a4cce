import { describe } from 'vitest';
import type { Dialect } from '../../server/upstream/dialect.ts';
import { type Target, testUpstream } from '../upstream-suite.ts';
import { whyNoContainers } from './runtime.ts';

async function start(service: string): Promise<Target> {
  const { container } = await import('./containers.ts');
  const started = await container(service).withExposedPorts(6875).start();
  const [host, port] = [started.getHost(), started.getMappedPort(6875)];
  return {
    url: `postgres://materialize@${host}:${port}/materialize`,
    stop: async () => {
      await started.stop();
    },
  };
}

const SERVICES: readonly (readonly [string, Dialect])[] = [
  ['materialized', 'subscribe'],
  ['materialized-old', 'tail'],
];

describe.skipIf(whyNoContainers !== '')(`a real Materialize ${whyNoContainers}`, () => {
  for (const [service, dialect] of SERVICES) testUpstream(service, () => start(service), dialect);
});
