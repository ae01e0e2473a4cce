import { join } from 'node:path';
import { engineUrl } from './addresses.ts';
import type { InputChoice } from './input-choice.ts';
import type { Environment } from './named-value.ts';
import type { Options } from './options.ts';

/** What the three processes are told, on top of what the supervisor itself was told. */
export interface Placement {
  readonly base: Environment;
  readonly root: string;
  readonly options: Options;
  /** What feeds the views now. */
  readonly input: InputChoice;
  /** The port the engine listens on, or shall. */
  readonly sqlPort: number;
  /** The port the server listens on, or shall. */
  readonly port: number;
}

/** Of `embedded/main.ts`. */
export function engineEnvironment(place: Placement, store: string): Environment {
  return {
    ...place.base,
    VIEWCAST_HOST: place.options.host,
    VIEWCAST_SQL_PORT: String(place.sqlPort),
    VIEWCAST_STORE: store,
  };
}

/** Of `stream-ingest/main.ts`; what the input does not use is not set. */
export function ingestEnvironment(place: Placement): Environment {
  const { input } = place;
  const { host, kafka } = place.options;
  return {
    ...place.base,
    VIEWCAST_KAFKA: kafka?.kafka,
    VIEWCAST_REGISTRY: kafka?.registry,
    VIEWCAST_TOPIC: undefined,
    VIEWCAST_DEAD_LETTERS:
      place.base.VIEWCAST_DEAD_LETTERS || join(place.options.data, 'dead-letters.jsonl'),
    VIEWCAST_ENGINE: engineUrl(host, place.sqlPort),
    VIEWCAST_INPUT: { live: 'live', recorded: 'replay', generated: 'generate' }[input.kind],
    VIEWCAST_CONTACT: input.kind === 'live' ? (input.contact ?? undefined) : undefined,
    VIEWCAST_RECORD: input.kind === 'live' ? (input.record ?? undefined) : undefined,
    VIEWCAST_REPLAY: input.kind === 'recorded' ? input.file : undefined,
    VIEWCAST_SPEED: input.kind === 'recorded' ? String(input.speed) : undefined,
    VIEWCAST_RATE: input.kind === 'generated' ? String(input.rate) : undefined,
  };
}

/** Of `server/main.ts`. */
export function serverEnvironment(place: Placement): Environment {
  const { host, kafka } = place.options;
  return {
    ...place.base,
    // Messages go where the engine reads them.
    VIEWCAST_KAFKA: kafka?.kafka,
    VIEWCAST_REGISTRY: kafka?.registry,
    VIEWCAST_HOST: host,
    VIEWCAST_PORT: String(place.port),
    VIEWCAST_UPSTREAM: engineUrl(host, place.sqlPort),
    VIEWCAST_VIEWS: place.base.VIEWCAST_VIEWS || '*',
    VIEWCAST_WORKERS: String(place.options.workers),
    VIEWCAST_DRAIN_MS: String(place.options.drainMs),
    VIEWCAST_SCHEMAS: place.base.VIEWCAST_SCHEMAS ?? join(place.root, 'avro_schemas'),
    VIEWCAST_WEB: place.base.VIEWCAST_WEB ?? join(place.root, 'web', 'dist'),
  };
}
