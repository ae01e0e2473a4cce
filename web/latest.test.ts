import { expect, test } from 'vitest';
import { latestChanges } from './latest.ts';

const columns = [
  'arrived',
  'meta_id',
  'wiki',
  'kind',
  'user',
  'type',
  'title',
  'server_url',
  'length_old',
  'length_new',
  'revision_new',
].map((name) => ({ name }));
const row = (arrived: number, id: string, rest: readonly (string | number | null)[] = []) => [
  arrived,
  id,
  'enwiki',
  'person',
  'A',
  'edit',
  'T',
  'https://en.wikipedia.org',
  10,
  7,
  99,
  ...rest,
];

test('the newest first, those of one moment by id, whatever the order of rows', () => {
  const rows = [row(1, 'b'), row(2, 'c'), row(1, 'a')];
  expect(latestChanges(rows, columns).map(({ key }) => key)).toEqual(['c', 'a', 'b']);
  expect(latestChanges(rows.toReversed(), columns)).toEqual(latestChanges(rows, columns));
});

test('a change has its bytes and its address, one without lengths has no bytes', () => {
  const [edit] = latestChanges([row(1, 'a')], columns);
  expect(edit).toMatchObject({ delta: -3, url: 'https://en.wikipedia.org/w/index.php?diff=99' });
  const created = [1, 'a', 'enwiki', 'bot', null, 'new', 'Ä & B', 'https://x.org', null, 500, null];
  expect(latestChanges([created], columns)[0]).toMatchObject({
    user: null,
    kind: 'bot',
    delta: 500,
    url: 'https://x.org/w/index.php?title=%C3%84+%26+B',
  });
  const log = [1, 'a', 'enwiki', 'x', 'A', 'log', null, 'javascript:alert(1)', null, null, null];
  expect(latestChanges([log], columns)[0]).toMatchObject({ kind: null, delta: null, url: null });
});
