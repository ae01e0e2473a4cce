import type { Item } from '../example-items.ts';

/** What a client of `ws /example/ws/` says, as the example system's own client does. */
export type ExampleRequest =
  /** `id`, a UUID, is ours: who gives one is told when its message is archived. */
  | { readonly action: 'send'; readonly value: string; readonly id: string | null }
  | { readonly action: 'list'; readonly sinceMs: number | null };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** The request, or a sentence saying why it is none. */
export function parseExampleRequest(text: string | null): ExampleRequest | string {
  let said: unknown = null;
  try {
    said = text === null ? null : JSON.parse(text);
  } catch {
    return 'expected a JSON object';
  }
  if (typeof said !== 'object' || said === null || Array.isArray(said)) {
    return 'expected a JSON object';
  }
  const member = (name: string): unknown =>
    Object.hasOwn(said, name) ? Reflect.get(said, name) : undefined;
  const action = member('action');
  if (action === 'send') {
    const [value, id] = [member('value') ?? '', member('id') ?? null];
    if (typeof value !== 'string') return 'value: expected a text';
    if (id === null) return { action, value, id };
    if (typeof id !== 'string' || !UUID.test(id)) return 'id: expected a UUID';
    return { action, value, id };
  }
  if (action === 'list') {
    const since = member('since') ?? null;
    if (since === null || since === '') return { action, sinceMs: null };
    const sinceMs = typeof since === 'string' ? parseTime(since) : Number.NaN;
    return Number.isNaN(sinceMs)
      ? 'since: expected a time such as 2021-07-22T03:05:22Z'
      : { action, sinceMs };
  }
  return `No action ${typeof action === 'string' ? action.slice(0, 100) : String(action)}`;
}

/** A time without a zone is UTC. */
function parseTime(text: string): number {
  const zoned = /(?:Z|[+-]\d\d:?\d\d)$/i.test(text) || !/\d:\d/.test(text) ? text : `${text}Z`;
  return Date.parse(zoned.replace(' ', 'T'));
}

/** Items that were archived at that time or later. */
export const itemsSince = (items: readonly Item[], sinceMs: number | null): readonly Item[] =>
  sinceMs === null
    ? items
    : items.filter(({ created_date }) => Date.parse(created_date ?? '') >= sinceMs);

export const itemsMessage = (items: readonly Item[]): string =>
  JSON.stringify({ items, status: 'ok' });

export const resultMessage = (result: string, id: string | null): string =>
  JSON.stringify({ result, status: 'ok', ...(id === null ? {} : { id }) });

export const archivedMessage = (id: string, timestamp: number | 'end'): string =>
  JSON.stringify({ archived: id, timestamp, status: 'ok' });

export const errorMessage = (error: string): string => JSON.stringify({ status: 'error', error });
