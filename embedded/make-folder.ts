import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and those above it, and does nothing where it is there. Step by step: Node's own
 * `recursive` never ends where the system refuses in a way of its own, as below /proc.
 *
 * @throws the system's error (ENOTDIR, EACCES, ENOENT below /proc …).
 */
export function makeFolder(folder: string): void {
  const whole = resolve(folder);
  if (existsSync(whole)) return;
  makeFolder(dirname(whole));
  mkdirSync(whole);
}
