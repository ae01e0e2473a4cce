import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { z } from 'zod';

const root = join(import.meta.dirname, '..');
const manifest = z.object({ version: z.string() });

/** What figures depend on: machine, load and versions, one fact a line. */
export function describeMachine(): readonly string[] {
  const cores = cpus();
  const load = loadavg()[0] ?? 0;
  return [
    `${new Date().toISOString()}  viewcast ${versionOf('package.json')} ${commit()}`,
    `${cores.length} × ${cores[0]?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${release()} ${arch()}`,
    `Node ${process.versions.node}, PGlite ${versionOf('node_modules/@electric-sql/pglite/package.json')}, uWebSockets.js ${versionOf('node_modules/uWebSockets.js/package.json')}`,
    load > cores.length / 2
      ? `load ${load.toFixed(1)}: other programs are busy, the figures are worse than the machine`
      : `load ${load.toFixed(1)}`,
  ];
}

function versionOf(path: string): string {
  return manifest.parse(JSON.parse(readFileSync(join(root, path), 'utf8'))).version;
}

function commit(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' });
    const changed = git('status', '--porcelain').trim() === '' ? '' : ' with changes';
    return `(${git('rev-parse', '--short', 'HEAD').trim()}${changed})`;
  } catch {
    return '';
  }
}
