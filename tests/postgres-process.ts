import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where Debian keeps the programs of each version, newest first; then the path. */
function binaries(): string | null {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian)
    ? readdirSync(debian).sort((a, b) => Number(b) - Number(a))
    : [];
  const folders = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  return folders.find((folder) => existsSync(join(folder, 'initdb'))) ?? null;
}

const BINARIES = binaries();

/** Why tests with a PostgreSQL are skipped; '' where they run. With REQUIRE_ALL=1 they fail instead. */
export const whyNoPostgres =
  BINARIES === null && process.env.REQUIRE_ALL !== '1' ? 'skipped: no PostgreSQL server here' : '';

/** A PostgreSQL server of its own, for tests: user `viewcast` with a password, on a free port. */
export class PostgresProcess {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly url: string;

  private constructor(folder: string, child: ChildProcess, url: string) {
    this.#folder = folder;
    this.#child = child;
    this.url = url;
  }

  /** @throws when it cannot be made or does not start. */
  static async start(port: number): Promise<PostgresProcess> {
    if (BINARIES === null) throw new Error('no PostgreSQL server here: install postgresql');
    const folder = mkdtempSync(join(tmpdir(), 'viewcast-postgres-'));
    const user = await owner();
    if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'secret\n', { mode: 0o644 });
    const data = join(folder, 'data');
    const options = [
      '-U',
      'viewcast',
      '-A',
      'scram-sha-256',
      `--pwfile=${secret}`,
      '-N',
      '-D',
      data,
    ];
    await run(join(BINARIES, 'initdb'), options, user);
    const settings = ['unix_socket_directories=', 'fsync=off', 'listen_addresses=127.0.0.1'];
    const child = spawn(
      join(BINARIES, 'postgres'),
      ['-D', data, '-p', String(port), ...settings.flatMap((it) => ['-c', it])],
      { ...user, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    await ready(child);
    return new PostgresProcess(
      folder,
      child,
      `postgres://viewcast:secret@127.0.0.1:${port}/postgres`,
    );
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGQUIT');
    await exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** It refuses to run as root: then it runs as the user that its package made. */
async function owner(): Promise<{ uid?: number | undefined; gid?: number | undefined }> {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (which) => Number((await run('id', [which, 'postgres'])).stdout)),
  );
  return { uid, gid };
}

async function ready(child: ChildProcess): Promise<void> {
  if (child.stderr === null) throw new Error('no output to read');
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    if (line.includes('ready to accept connections')) {
      child.stderr.resume();
      return;
    }
  }
  throw new Error(`PostgreSQL did not start:\n${said.join('\n')}`);
}
