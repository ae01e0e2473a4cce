import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FolderLockedError, lockFolder, type Processes, systemProcesses } from './lock.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'viewcast-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Processes by id and start; `pid` is the one that asks. */
function processes(pid: number, running: Readonly<Record<number, string>>): Processes {
  return { pid, startOf: (each) => running[each] ?? null };
}

test('a live owner is respected, and named', () => {
  const running = { 1: 'a', 2: 'b' };
  lockFolder(folder, processes(1, running));
  const second = () => lockFolder(folder, processes(2, running));
  expect(second).toThrow(FolderLockedError);
  expect(second).toThrow(/process 1\b.*stop that one first/);
});

test('after its release the lock is free, and nothing is left behind', () => {
  const running = { 1: 'a', 2: 'b' };
  lockFolder(folder, processes(1, running))();
  expect(readdirSync(folder)).toEqual([]);
  lockFolder(folder, processes(2, running));
});

test('the lock of a killed owner is taken over', () => {
  lockFolder(folder, processes(1, { 1: 'a' }));
  lockFolder(folder, processes(2, { 2: 'b' }));
  expect(() => lockFolder(folder, processes(3, { 2: 'b', 3: 'c' }))).toThrow(/process 2/);
});

test('a process that got the number of a killed owner is not the owner', () => {
  lockFolder(folder, processes(1, { 1: 'a' }));
  lockFolder(folder, processes(2, { 1: 'another start', 2: 'b' }));
});

test('an old owner does not release what was taken over', () => {
  const release = lockFolder(folder, processes(1, { 1: 'a' }));
  lockFolder(folder, processes(2, { 2: 'b' }));
  release();
  expect(() => lockFolder(folder, processes(3, { 2: 'b', 3: 'c' }))).toThrow(FolderLockedError);
});

test('a file that is no lock is no owner', () => {
  writeFileSync(join(folder, 'viewcast.lock'), 'what is this');
  lockFolder(folder, processes(1, { 1: 'a' }));
});

test('this very process is found running, under one start', () => {
  const start = systemProcesses.startOf(process.pid);
  expect(start).not.toBeNull();
  expect(systemProcesses.startOf(process.pid)).toBe(start);
  expect(systemProcesses.startOf(2 ** 30)).toBeNull();
});
