import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What the page is built from, below the project's root. */
const SOURCES = ['web', 'protocol', 'client', 'package-lock.json'];
const NOT_SOURCES = new Set(['dist', 'node_modules']);

/** Whether the page was never built, or something it is built from was written since. */
export function isPageStale(root: string): boolean {
  const built = modifiedMs(join(root, 'web', 'dist', 'index.html'));
  return built === 0 || SOURCES.some((source) => newestMs(join(root, source)) > built);
}

/**
 * Builds the page into `web/dist`, in a process of its own. Rejects with the builder's words. The
 * returned `stop` ends the process.
 */
export function buildPage(root: string): { readonly built: Promise<void>; stop(): void } {
  const manifest = createRequire(join(root, 'package.json')).resolve('vite/package.json');
  const vite = join(dirname(manifest), 'bin', 'vite.js');
  const child = spawn(process.execPath, [vite, 'build', 'web', '--logLevel', 'warn'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const told: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => told.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => told.push(chunk));
  const built = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(Buffer.concat(told).toString().trim() || `vite ended with ${code}`));
    });
  });
  return { built, stop: () => void child.kill('SIGKILL') };
}

function newestMs(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  const inside = readdirSync(path)
    .filter((name) => !NOT_SOURCES.has(name) && !name.endsWith('.test.ts'))
    .map((name) => newestMs(join(path, name)));
  return Math.max(0, ...inside);
}

function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
