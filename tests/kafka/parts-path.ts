import { execFile } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';
import { startKafkaLocal } from '../../scripts/kafka-local/kafka-local.ts';
import type { Dialect } from '../../server/upstream/dialect.ts';
import { EngineProcess } from '../../server/upstream/engine-process.ts';
import { choosePort } from '../../start/ports.ts';
import { Part } from '../part.ts';
import { ServerProcess } from '../server-process.ts';
import { root, temporaryFolder, until } from '../viewcast.ts';
import { type StandInEvent, startStandIn } from '../wikimedia-stand-in.ts';
import { PACE_MS, type Path } from './path-suite.ts';

/**
 * The services of docker-compose.yml as processes of this machine, each by itself: a broker and a
 * registry, the engine where Materialize stands there, sql:apply, stream-ingest and the server.
 */
export async function startPartsPath(
  dialect: Dialect,
  events: readonly StandInEvent[],
): Promise<Path> {
  const folder = temporaryFolder();
  const standIn = await startStandIn({ events, paceMs: PACE_MS });
  const [kafka, engine] = await Promise.all([
    startKafkaLocal(),
    EngineProcess.start({ VIEWCAST_DIALECT: dialect }),
  ]);
  const environment = {
    VIEWCAST_KAFKA: kafka.broker.address,
    VIEWCAST_REGISTRY: kafka.registry.url,
  };
  await promisify(execFile)(process.execPath, ['start/sql-apply.ts'], {
    cwd: root,
    env: {
      ...process.env,
      ...environment,
      VIEWCAST_UPSTREAM: engine.url,
      VIEWCAST_SQL_STATE: `${folder.path}/sql`,
    },
  });
  const server = await ServerProcess.start(engine.url, environment);
  const healthPort = await choosePort('127.0.0.1', 0, '');
  const startIngest = () =>
    new Part('stream-ingest/main.ts', {
      ...environment,
      VIEWCAST_STREAM_URL: standIn.url,
      VIEWCAST_CONTACT: 'test@example.org',
      VIEWCAST_HEALTH_PORT: String(healthPort),
      VIEWCAST_DEAD_LETTERS: `${folder.path}/dead-letters.jsonl`,
    });
  let ingest = startIngest();
  await until('stream-ingest is ready', async () => {
    const response = await fetch(`http://127.0.0.1:${healthPort}/readyz`).catch(() => null);
    return response?.ok === true;
  });
  return {
    page: server.http,
    async killIngest() {
      await ingest.kill();
      ingest = startIngest();
    },
    async stop() {
      await ingest.kill();
      await server.stop();
      await engine.stop();
      await standIn.close();
      await kafka.stop();
      folder.remove();
    },
  };
}
