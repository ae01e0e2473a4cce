import type { FilterValue } from '../protocol/message.ts';
import { expectThat } from './expect-that.ts';
import type { LineRequest } from './line.ts';

/** By view, the values that its columns must equal. */
export type Filters<V> = {
  readonly [K in keyof V & string]?: Readonly<Record<string, FilterValue>>;
};

/**
 * What is asked for on the wire, where what is undefined is not said.
 *
 * @throws {TypeError} when `where` names what is not asked for: no server would hear of it.
 */
export function lineRequest(
  views: readonly string[],
  where: Filters<Record<string, unknown>> = {},
  everyMs?: number,
): LineRequest {
  expectThat(
    Object.keys(where).every((view) => views.includes(view)),
    'where by view',
    where,
  );
  // What objects have by themselves are functions, of which JSON says nothing either.
  const requests = views.map((view) => ({ view, where: where[view] }));
  return { views: requests, everyMs } as LineRequest;
}

/** The address of the protocol: `http://host` and `ws://host/` mean its path there. */
export function endpoint(url: string | URL): string {
  const { location } = globalThis as { location?: { href: string } };
  const full = new URL(url, location?.href);
  full.protocol = full.protocol.replace('http', 'ws');
  expectThat(/^wss?:/.test(full.protocol), 'an http or ws URL', url);
  if (full.pathname === '/') full.pathname = '/api/v1';
  full.hash = '';
  return full.href;
}
