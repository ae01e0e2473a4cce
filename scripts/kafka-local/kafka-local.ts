import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalBroker } from './local-broker.ts';
import { LocalRegistry } from './local-registry.ts';
import { fetchPrograms } from './tools.ts';

export interface KafkaLocalOptions {
  /** Default: a free one. */
  readonly kafkaPort?: number;
  readonly registryPort?: number;
  /** What is kept from one start to the next; default a temporary folder, removed at the end. */
  readonly folder?: string;
}

/** A real broker and a real registry on this machine, for tests and for trying out. */
export interface KafkaLocal {
  readonly broker: LocalBroker;
  readonly registry: LocalRegistry;
  /** Ends both, and removes the data unless a folder was given. */
  stop(): Promise<void>;
}

/** Starts a broker and a registry, fetching them at first. @throws where Java or Maven is missing. */
export async function startKafkaLocal(options: KafkaLocalOptions = {}): Promise<KafkaLocal> {
  await fetchPrograms();
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'viewcast-kafka-')));
  const started = await Promise.allSettled([
    LocalBroker.open(join(folder, 'kafka'), options.kafkaPort ?? null),
    LocalRegistry.open(join(folder, 'registry'), options.registryPort ?? null),
  ]);
  const stop = async () => {
    await Promise.all(
      started.map((part) => (part.status === 'fulfilled' ? part.value.stop() : null)),
    );
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
  };
  const [broker, registry] = started;
  if (broker.status === 'fulfilled' && registry.status === 'fulfilled') {
    return { broker: broker.value, registry: registry.value, stop };
  }
  await stop();
  throw broker.status === 'rejected'
    ? broker.reason
    : registry.status === 'rejected'
      ? registry.reason
      : null;
}
