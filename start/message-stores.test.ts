import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Database } from './hand-made.ts';
import { MessageStores } from './message-stores.ts';

const data = mkdtempSync(join(tmpdir(), 'viewcast-stores-'));
afterEach(() => rmSync(data, { recursive: true, force: true }));

const silent: Database = { query: async () => [] };

/** Enters stores one after the other; tells what was visited, and what failed. */
function journey(broken: ReadonlySet<string>) {
  const visited: string[] = [];
  const failed: string[] = [];
  const enter = (name: string) => {
    mkdirSync(join(data, name), { recursive: true });
    const stores = new MessageStores(
      data,
      () => ['example'],
      (folder, work) => {
        visited.push(basename(folder));
        return broken.has(basename(folder)) ? Promise.reject(new Error('no')) : work(silent);
      },
    );
    return stores.enter(name, silent, (store) => failed.push(store));
  };
  return { visited, failed, enter };
}

test('only the store used last is visited, and none when it is the same', async () => {
  const { visited, enter } = journey(new Set());
  for (const name of ['generated', 'generated', 'live', 'generated', 'live', 'live']) {
    await enter(name);
  }
  expect(visited).toEqual(['generated', 'live', 'generated']);
});

test('a store that cannot be read is visited again by whichever comes next', async () => {
  const broken = new Set(['generated']);
  const { visited, failed, enter } = journey(broken);
  await enter('generated');
  await enter('live');
  await enter('recorded');
  broken.clear();
  await enter('live');
  await enter('live');
  expect(failed).toEqual(['generated', 'generated']);
  expect(visited).toEqual(['generated', 'generated', 'live', 'generated', 'recorded']);
});

test('stores that are gone and a torn file stop nothing', async () => {
  const { visited, enter } = journey(new Set());
  await enter('generated');
  rmSync(join(data, 'generated'), { recursive: true });
  await enter('live');
  writeFileSync(join(data, 'message-stores.json'), '["li');
  await enter('recorded');
  expect(visited).toEqual([]);
});
