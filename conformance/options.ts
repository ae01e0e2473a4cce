import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface Options {
  /** The WebSocket to be checked, such as `ws://127.0.0.1:8875/api/v1`. */
  readonly url: string;
  /** A second server of the same upstream. */
  readonly other: string | undefined;
  /** Views to read; empty for those that `GET /api/views` lists. */
  readonly views: readonly string[];
  readonly token: string | undefined;
  readonly submit: { readonly topic: string; readonly value: unknown } | undefined;
  readonly watchMs: number;
  readonly patienceMs: number;
  readonly slow: boolean;
  /** Runs the checks whose rule or name contains this. */
  readonly only: string;
}

/** The command line is wrong; the message says how. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError';
}

/** How the runner is called. */
export const USAGE = `npm run conformance -- ws://host:port/api/v1 [options]

  --view <name>        a view to read, better one that changes; may be repeated
                       (otherwise all that GET /api/views lists)
  --other <url>        a second server of the same upstream: resumes across the two
  --token <jwt>        where the server asks for one
  --submit <topic=json> a topic that takes messages, and one that fits
  --watch-ms <n>       how long to wait for a view to change (10000)
  --patience-ms <n>    how long to wait for an answer (15000)
  --slow               checks that take a minute, too
  --only <text>        only checks whose rule or name contains it
`;

const SPEC = {
  view: { type: 'string', multiple: true, default: [] },
  other: { type: 'string' },
  token: { type: 'string' },
  submit: { type: 'string' },
  'watch-ms': { type: 'string', default: '10000' },
  'patience-ms': { type: 'string', default: '15000' },
  slow: { type: 'boolean', default: false },
  only: { type: 'string', default: '' },
} as const;

/** @throws {OptionsError} naming what is wrong. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args);
  const [url, ...rest] = positionals;
  if (url === undefined || rest.length > 0) {
    throw new OptionsError(`expected one url, got ${positionals.length}`);
  }
  return {
    url: endpoint(url),
    other: values.other === undefined ? undefined : endpoint(values.other),
    views: values.view,
    token: values.token,
    submit: values.submit === undefined ? undefined : submission(values.submit),
    watchMs: milliseconds('--watch-ms', values['watch-ms']),
    patienceMs: milliseconds('--patience-ms', values['patience-ms']),
    slow: values.slow,
    only: values.only,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: SPEC, allowPositionals: true });
  } catch (error) {
    throw new OptionsError(error instanceof Error ? error.message : String(error));
  }
}

/** `http://host` and `ws://host/` mean the protocol's path there. */
function endpoint(text: string): string {
  if (!URL.canParse(text)) throw new OptionsError(`expected a url, got ${text}`);
  const url = new URL(text);
  url.protocol = url.protocol.replace('http', 'ws');
  if (!/^wss?:$/.test(url.protocol)) throw new OptionsError(`expected ws(s)://, got ${text}`);
  if (url.pathname === '/') url.pathname = '/api/v1';
  return url.href;
}

function milliseconds(name: string, text: string): number {
  if (!/^\d{1,7}$/.test(text))
    throw new OptionsError(`${name}: expected milliseconds, got ${text}`);
  return Number(text);
}

function submission(text: string): NonNullable<Options['submit']> {
  const at = text.indexOf('=');
  try {
    if (at > 0) return { topic: text.slice(0, at), value: JSON.parse(text.slice(at + 1)) };
  } catch {
    // Said below.
  }
  throw new OptionsError(`--submit: expected topic=json, got ${text}`);
}
