import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const oldestJava = 17;

/** Outside of the tree, so that a clean checkout need not fetch again. */
export const cacheFolder =
  process.env.VIEWCAST_CACHE ||
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'viewcast');

function javaMissing(): string | null {
  const { status, stderr, stdout } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  if (status !== 0) return 'no Java here';
  const version = /version "(\d+)/.exec(stderr + stdout)?.[1] ?? '0';
  return Number(version) < oldestJava ? `Java ${version} here, and ${oldestJava} is needed` : null;
}

function missing(): string | null {
  const java = javaMissing();
  if (java !== null) return java;
  if (existsSync(kafkaLibraries) && existsSync(registryFolder)) return null;
  return spawnSync('mvn', ['--version']).status === 0 ? null : 'no Maven here to fetch Kafka with';
}

const pom = join(import.meta.dirname, 'pom.xml');
const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';
const registry = 'io.apicurio:apicurio-registry-app:2.6.13.Final:tar.gz:all';

/** The broker's jars, once fetched. */
export const kafkaLibraries = join(cacheFolder, 'kafka-4.3.1', 'libs');
/** The registry's program, once fetched. */
export const registryFolder = join(cacheFolder, 'apicurio-registry-2.6.13');

/** Why a broker and a registry cannot run here; null where they can. Asks once. */
export const kafkaLocalMissing: string | null = missing();

/**
 * Why tests with a real broker are skipped; null where they run, and where they must
 * (REQUIRE_ALL=1), so that they fail with the same reason.
 */
export const kafkaSkipped: string | null =
  process.env.REQUIRE_ALL === '1' ? null : kafkaLocalMissing;

/**
 * Makes a folder by `make`, once for all processes: each makes its own, the first one in place wins.
 */
export async function once(folder: string, make: (empty: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  await mkdir(dirname(folder), { recursive: true });
  const own = await mkdtemp(`${folder}.`);
  try {
    await make(own);
    await rename(own, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

async function maven(args: readonly string[]): Promise<void> {
  // Where it stands without a project it leaves notes for itself.
  const cwd = await mkdtemp(join(tmpdir(), 'viewcast-maven-'));
  try {
    await run('mvn', ['--batch-mode', '--quiet', ...args], { cwd, maxBuffer: 16 * 2 ** 20 });
  } catch (error) {
    const output = error instanceof Object ? Reflect.get(error, 'stdout') : '';
    throw new Error(`Maven could not fetch what kafka-local needs:\n${String(output)}`, {
      cause: error,
    });
  } finally {
    await rm(cwd, { recursive: true });
  }
}

/** Fetches the broker and the registry where they are not in the cache yet: about 200 MB. */
export async function fetchPrograms(): Promise<void> {
  if (kafkaLocalMissing !== null) throw new Error(`kafka-local cannot run: ${kafkaLocalMissing}`);
  await once(kafkaLibraries, (empty) =>
    maven([
      '-f',
      pom,
      `${plugin}:copy-dependencies`,
      '-DincludeScope=runtime',
      `-DoutputDirectory=${empty}`,
    ]),
  );
  await once(registryFolder, (empty) =>
    maven([`${plugin}:unpack`, `-Dartifact=${registry}`, `-DoutputDirectory=${empty}`]),
  );
}
