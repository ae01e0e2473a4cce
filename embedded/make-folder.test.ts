import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeFolder } from './make-folder.ts';

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'viewcast-folder-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('folders above are made too, and one that is there stays', () => {
  const folder = join(scratch(), 'a', 'b');
  makeFolder(folder);
  makeFolder(folder);
  expect(existsSync(folder)).toBe(true);
});

test('below a file there is no folder', () => {
  const file = join(scratch(), 'file');
  writeFileSync(file, '');
  expect(() => makeFolder(join(file, 'a'))).toThrow('ENOTDIR');
});

test.skipIf(!existsSync('/proc/self'))(
  'below /proc it ends with an error (without /proc: skipped)',
  () => {
    expect(() => makeFolder('/proc/viewcast/data')).toThrow('ENOENT');
  },
);
