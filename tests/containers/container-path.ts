import { GenericContainer, type StartedTestContainer, TestContainers, Wait } from 'testcontainers';
import { PACE_MS, type Path } from '../kafka/path-suite.ts';
import { root } from '../viewcast.ts';
import { type StandInEvent, startStandIn } from '../wikimedia-stand-in.ts';
import { container, openNetwork } from './containers.ts';

/** The services of docker-compose.yml that make up a path; `-old` for Materialize 0.26. */
export async function startContainerPath(
  suffix: '' | '-old',
  events: readonly StandInEvent[],
): Promise<Path> {
  const standIn = await startStandIn({ events, paceMs: PACE_MS });
  const stream = new URL(standIn.url);
  await TestContainers.exposeHostPorts(Number(stream.port));
  stream.hostname = 'host.testcontainers.internal';
  await GenericContainer.fromDockerfile(root).build('viewcast', { deleteOnExit: false });
  const network = await openNetwork();
  const running: StartedTestContainer[] = [];
  const start = async (name: string, change = (it: GenericContainer) => it) => {
    const made = container(name).withNetwork(network).withNetworkAliases(name);
    const started = await change(made).start();
    running.push(started);
    return started;
  };
  await start('kafka');
  await Promise.all([start('schema-registry'), start(`materialized${suffix}`)]);
  await start(`sql${suffix}`, (it) => it.withWaitStrategy(Wait.forOneShotStartup()));
  const server = await start(`server${suffix}`, (it) => it.withExposedPorts(8875));
  const ingest = await start('stream-ingest', (it) =>
    it.withEnvironment({
      VIEWCAST_STREAM_URL: stream.href,
      VIEWCAST_CONTACT: 'test@example.org',
    }),
  );
  return {
    page: `http://${server.getHost()}:${server.getMappedPort(8875)}`,
    killIngest: () => ingest.restart({ timeout: 0 }),
    async stop() {
      for (const started of running.reverse()) await started.stop();
      await network.stop();
      await standIn.close();
    },
  };
}
