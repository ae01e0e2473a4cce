import { testPath } from '../kafka/path-suite.ts';
import { whyNoContainers } from './runtime.ts';

for (const suffix of ['', '-old'] as const) {
  testPath(
    `the services of docker-compose.yml, with materialized${suffix}`,
    whyNoContainers || null,
    async (events) => (await import('./container-path.ts')).startContainerPath(suffix, events),
  );
}
