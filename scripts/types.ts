import { writeFile } from 'node:fs/promises';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { messageOf } from './message-of.ts';
import { viewTypesText } from './row-type.ts';

/**
 * `npm run types -- [url] [--out file]`: writes the row types of all views that a server serves,
 * for the client's generic: `connect<Views>(url)`.
 */

const USAGE = 'npm run types -- [url of the server] [--out file.ts]';
const DEFAULT_URL = 'http://127.0.0.1:8875';
const DEFAULT_OUT = 'client/views.ts';
const TROUBLE = 1;
const MISUSE = 2;

const catalogueSchema = z.object({
  views: z.array(
    z.object({
      name: z.string(),
      columns: z.array(z.object({ name: z.string(), type: z.string() })),
    }),
  ),
});

function fail(message: string, code: number): never {
  process.stderr.write(`types: ${message}\n`);
  process.exit(code);
}

function readArguments(): { readonly url: URL; readonly out: string } {
  try {
    const options = {
      out: { type: 'string', default: DEFAULT_OUT },
      help: { type: 'boolean' },
    } as const;
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (values.help === true) {
      process.stdout.write(`Usage: ${USAGE}\n`);
      process.exit();
    }
    const [text = DEFAULT_URL, ...rest] = positionals;
    if (rest.length > 0) throw new TypeError(`expected one url, got ${positionals.join(' ')}`);
    const url = new URL('/api/views', text);
    url.protocol = url.protocol.replace('ws', 'http');
    return { url, out: values.out };
  } catch (error) {
    return fail(`${messageOf(error)}; usage: ${USAGE}`, MISUSE);
  }
}

async function fetchViews(url: URL): Promise<z.infer<typeof catalogueSchema>['views']> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`it answered ${response.status} ${response.statusText}`);
  const { views } = catalogueSchema.parse(await response.json());
  const waiting = views.filter(({ columns }) => columns.length === 0).map(({ name }) => name);
  if (waiting.length > 0) {
    throw new Error(
      `the columns of ${waiting.join(', ')} are not known yet; try again in a second`,
    );
  }
  return views;
}

const { url, out } = readArguments();
try {
  const views = await fetchViews(url);
  await writeFile(out, viewTypesText(views));
  process.stdout.write(`${out}: ${views.length} ${views.length === 1 ? 'view' : 'views'}\n`);
} catch (error) {
  fail(`cannot take the views from ${url.href}: ${messageOf(error)}`, TROUBLE);
}
