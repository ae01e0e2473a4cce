import { execFileSync } from 'node:child_process';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Two engines on one folder would silently destroy it, as PGlite has no lock of its own. The lock
 * is a file that names its owner by process id and start time, so that a number the system has
 * given to another process since does not count as the owner.
 */

/** How this module sees processes; tests pass their own. */
export interface Processes {
  readonly pid: number;
  /** Some text that tells this process from others of the same id, or null when none runs. */
  startOf(pid: number): string | null;
}

/** A folder that another live engine holds. */
export class FolderLockedError extends Error {
  override readonly name = 'FolderLockedError';
  readonly pid: number;

  constructor(folder: string, pid: number) {
    super(
      `the store ${folder} is in use by another engine (process ${pid}): stop that one first, or choose another data folder`,
    );
    this.pid = pid;
  }
}

/**
 * Takes the lock of a folder and returns its release. A lock whose owner is gone, as after
 * `kill -9`, is taken over.
 *
 * @throws {FolderLockedError} when a live process holds it.
 */
export function lockFolder(folder: string, processes: Processes = systemProcesses): () => void {
  const path = join(folder, 'viewcast.lock');
  const mine = `${processes.pid} ${processes.startOf(processes.pid) ?? 'unknown'}\n`;
  const draft = `${path}.${processes.pid}`;
  writeFileSync(draft, mine);
  try {
    for (let attempts = 0; attempts < 10; attempts++) {
      if (linkExclusively(draft, path)) return () => release(path, mine);
      const held = readOrNull(path);
      if (held === null) continue;
      const owner = liveOwner(held, processes);
      if (owner !== null) throw new FolderLockedError(folder, owner);
      removeStale(path, held, processes.pid);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  throw new Error(`the lock ${path} changes hands without end: remove it when no engine runs`);
}

function linkExclusively(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function liveOwner(held: string, processes: Processes): number | null {
  const [, pidText = '', start = ''] = /^(\d+) (.*)\n$/.exec(held) ?? [];
  const pid = Number(pidText);
  if (pid === 0) return null;
  return processes.startOf(pid) === start ? pid : null;
}

/** Moves the stale file aside first: whoever else was quicker keeps the lock. */
function removeStale(path: string, held: string, pid: number): void {
  const aside = `${path}.stale.${pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  if (readOrNull(aside) !== held) linkExclusively(aside, path);
  rmSync(aside, { force: true });
}

function release(path: string, mine: string): void {
  if (readOrNull(path) === mine) rmSync(path, { force: true });
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** The processes of this machine. */
export const systemProcesses: Processes = {
  pid: process.pid,
  startOf(pid) {
    if (process.platform === 'linux') return linuxStart(pid);
    if (process.platform === 'win32') return isAlive(pid) ? 'alive' : null;
    return psStart(pid);
  },
};

/** Field 22 of /proc/<pid>/stat, counted after the command's name, which may hold anything. */
function linuxStart(pid: number): string | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? null : (fields[19] ?? null);
}

function psStart(pid: number): string | null {
  if (!isAlive(pid)) return null;
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    // Without ps a living process of that id has to count as the owner.
    return 'alive';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
