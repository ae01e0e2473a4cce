import type { FilterValue } from '../protocol/message.ts';
import type { LineRequest } from './line.ts';

/** By view, the values that its columns must equal. */
export type Filters<V> = {
  readonly [K in keyof V & string]?: Readonly<Record<string, FilterValue>>;
};

/** What is asked for on the wire, where what is undefined is not said. */
export function lineRequest(
  views: readonly string[],
  where: Filters<Record<string, unknown>> = {},
  everyMs?: number,
): LineRequest {
  const filters = new Map(Object.entries(where));
  const requests = views.map((view) => ({ view, where: filters.get(view) }));
  return { views: requests, everyMs } as LineRequest;
}

/** The address of the protocol: `http://host` and `ws://host/` mean its path there. */
export function endpoint(url: string | URL): string {
  const { location } = globalThis as { location?: { href: string } };
  const full = new URL(url, location?.href);
  full.protocol = full.protocol.replace('http', 'ws');
  if (full.pathname === '/') full.pathname = '/api/v1';
  full.hash = '';
  return full.href;
}
