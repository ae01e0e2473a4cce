import { expect, test } from 'vitest';
import { readConfig } from './config.ts';

const UPSTREAM = 'postgres://materialize@db.example:6875/materialize';
const viewsOf = (env: Readonly<Record<string, string>>) => {
  const result = readConfig(env);
  return result.kind === 'config' ? result.config.views : result.errors;
};

test('the embedded engine shows every view, an upstream of one’s own only what is named', () => {
  expect(viewsOf({})).toBeNull();
  expect(viewsOf({ VIEWCAST_UPSTREAM: UPSTREAM, VIEWCAST_VIEWS: 'stock, orders' })).toEqual([
    'stock',
    'orders',
  ]);
  expect(viewsOf({ VIEWCAST_UPSTREAM: UPSTREAM, VIEWCAST_VIEWS: '*' })).toBeNull();
  expect(viewsOf({ VIEWCAST_UPSTREAM: UPSTREAM })).toEqual([
    expect.stringContaining('VIEWCAST_VIEWS must name the views to serve'),
  ]);
  expect(viewsOf({ VIEWCAST_VIEWS: 'stock,*' })).toEqual([
    expect.stringContaining('VIEWCAST_VIEWS must be names of views'),
  ]);
});
