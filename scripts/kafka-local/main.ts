import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { whenNpmStops } from '../../start/npm.ts';
import { startKafkaLocal } from './kafka-local.ts';
import { kafkaLocalMissing } from './tools.ts';

const help = `Usage: npm run kafka:local -- [options]

Runs a Kafka broker and a schema registry on this machine until Ctrl-C. Needs Java 17 or later, and
Maven for the first start, which fetches about 200 MB.

  --kafka-port N     the broker (9092)
  --registry-port N  the registry, Confluent's API (8081)
  --data DIR         keep topics and schemas there; without it they are gone at the end
  --fetch            only fetch what it needs, try it, and end
  --help             this text
`;

function port(text: string): number {
  if (/^\d+$/.test(text) && Number(text) > 0 && Number(text) < 2 ** 16) return Number(text);
  throw new Error(`expected a port from 1 to 65535, got ${text}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      'kafka-port': { type: 'string', default: '9092' },
      'registry-port': { type: 'string', default: '8081' },
      data: { type: 'string' },
      fetch: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(help);
    return;
  }
  if (kafkaLocalMissing !== null) throw new Error(`${kafkaLocalMissing}; see --help`);
  if (values.fetch === true) {
    await (await startKafkaLocal()).stop();
    return;
  }
  const ports = {
    kafkaPort: port(values['kafka-port']),
    registryPort: port(values['registry-port']),
  };
  const folder = values.data === undefined ? undefined : resolve(values.data);
  if (folder !== undefined) await mkdir(folder, { recursive: true });
  const stopped = new Promise<void>((done) => {
    process.once('SIGINT', done);
    process.once('SIGTERM', done);
    whenNpmStops(done);
  });
  process.stdout.write('Starting Kafka and a schema registry …\n');
  const local = await startKafkaLocal({ ...ports, ...(folder === undefined ? {} : { folder }) });
  const { broker, registry } = local;
  process.stdout.write(
    `Kafka       ${broker.address}\nRegistry    ${registry.url}\n` +
      `Try         npm run ingest -- --kafka ${broker.address} --registry ${registry.url}\n` +
      'Ctrl-C stops both.\n',
  );
  await stopped;
  await local.stop();
}

try {
  await main();
} catch (error) {
  process.stderr.write(`kafka:local: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
