import { z } from 'zod';
import { Connection } from './connection.ts';
import type { Options } from './options.ts';
import { Rule } from './rule.ts';
import type { Known } from './runner.ts';

const catalogueSchema = z.object({ views: z.array(z.object({ name: z.string() })) });

/**
 * Greets the server and finds its views.
 *
 * @throws {Rule} when there is no such server, or no view.
 */
export async function survey({ url, views, patienceMs }: Options): Promise<Known> {
  const connection = await Connection.open(url, { patienceMs });
  try {
    const hello = await connection.hear('hello');
    const names = views.length > 0 ? views : await catalogue(url);
    Rule.expect('Views over HTTP', 'a view; name one with --view', names.length > 0, names);
    return { hello, views: names };
  } finally {
    connection.close();
  }
}

async function catalogue(url: string): Promise<readonly string[]> {
  const list = new URL('/api/views', url.replace(/^ws/, 'http'));
  const response = await fetch(list).catch(() => null);
  const answer = catalogueSchema.safeParse(await response?.json().catch(() => null));
  return answer.success ? answer.data.views.map(({ name }) => name) : [];
}
