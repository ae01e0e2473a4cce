import type { Frontier } from '../../protocol/update.ts';
import { EXAMPLE_TOPIC, type Item, inventedCall, NEWEST_VIEW } from '../example-items.ts';
import type { Reply } from '../reply.ts';
import type { Request } from '../request.ts';
import { textOf } from './body.ts';
import { type FormPage, formPage, type Notice } from './example-html.ts';
import { type Intake, type Outcome, takeIn } from './intake.ts';
import { SECURITY } from './page.ts';
import type { PostRoute, Route } from './routes.ts';

export interface ExamplePageParts {
  readonly intake: Intake;
  /** The newest messages; undefined where they are not served. */
  readonly items: () => readonly Item[] | undefined;
  /** Runs when the items have come so far. */
  readonly whenListed: (frontier: Frontier, run: () => void) => void;
  readonly addressOf: (request: Request) => string;
  readonly random: () => number;
}

/** A form is answered when the archive holds its message, or after so long. */
const WAIT_MS = 5_000;
const LONGEST_BODY = 16_384;
const REFRESH_SECONDS = 2;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/**
 * `GET /example/`: the form and the newest messages. After a message was sent the address names it,
 * and the frontier that shows it: whichever server is asked, what is shown has come so far.
 */
export function exampleRoute(parts: ExamplePageParts): Route {
  return (request, visitor) => {
    if (request.path === '/example') return redirect('/example/', 308);
    if (request.path !== '/example/') return null;
    const unseen = visitor.forbidsView(NEWEST_VIEW);
    if (unseen !== null) return unseen.reply;
    const id = request.query.get('message');
    const at = Number(request.query.get('at'));
    if (id === null || !UUID.test(id)) return page(parts, 200, {});
    return Number.isSafeInteger(at) && at > 0
      ? shownUpTo(parts, at).then(() => page(parts, 200, { notice: done(id) }))
      : stillWaiting(parts, id);
  };
}

/** `POST /example/`: a message from the form, answered by 303 once the archive holds it. */
export function exampleFormRoute(parts: ExamplePageParts): PostRoute {
  return {
    path: '/example/',
    mostBytes: LONGEST_BODY,
    answer: async (request, body, visitor) => {
      const refused =
        refusePost(request) ??
        (visitor.forbidsTopic(EXAMPLE_TOPIC) ?? visitor.forbidsView(NEWEST_VIEW))?.reply;
      if (refused !== undefined) return refused;
      const text = textOf(body);
      if (text === null || !isUtf8(text))
        return page(parts, 400, { notice: problem('expected UTF-8') });
      const form = new URLSearchParams(text);
      const typed = form.get('value') ?? '';
      const given = form.get('id') ?? '';
      let id = UUID.test(given) ? given.toLowerCase() : crypto.randomUUID();
      let outcome = await send(parts, request, id, typed);
      // Somebody who went back and changed the text means another message.
      if (outcome.state === 'refused' && outcome.code === 'id_conflict') {
        id = crypto.randomUUID();
        outcome = await send(parts, request, id, typed);
      }
      return answerTo(parts, outcome, id, typed);
    },
  };
}

function send(
  { intake, addressOf, random }: ExamplePageParts,
  request: Request,
  id: string,
  typed: string,
): Promise<Outcome> {
  const value = typed === '' ? inventedCall(random) : typed;
  const message = { topic: EXAMPLE_TOPIC, id, value: { value } };
  return takeIn(intake, message, addressOf(request), WAIT_MS);
}

async function answerTo(
  parts: ExamplePageParts,
  outcome: Outcome,
  id: string,
  typed: string,
): Promise<Reply> {
  if (outcome.state === 'archived') {
    return redirect(`/example/?message=${id}&at=${outcome.timestamp}`, 303);
  }
  if (outcome.state !== 'refused') return page(parts, 202, { notice: waiting, refresh: id });
  const { code, message, retryMs } = outcome;
  const status = retryMs !== undefined ? 503 : code === 'unknown_topic' ? 404 : 422;
  const told = page(parts, status, { notice: problem(`not sent: ${message}`), value: typed, id });
  if (retryMs === undefined) return told;
  const seconds = String(Math.ceil(retryMs / 1_000));
  return { ...told, headers: { ...told.headers, 'Retry-After': seconds } };
}

/** A message that was accepted: the page that loads itself until it is archived. */
function stillWaiting(parts: ExamplePageParts, id: string): Reply {
  let at: Frontier | null = null;
  const stop = parts.intake.watch(EXAMPLE_TOPIC, id, {
    accepted: () => {},
    archived: (timestamp) => {
      at = timestamp;
    },
    refused: () => {},
  });
  stop?.();
  if (at !== null) return redirect(`/example/?message=${id}&at=${at}`, 303);
  return page(parts, 200, { notice: waiting, refresh: id });
}

/**
 * The Origin was looked at before; a browser that sends none with a form says where it comes from
 * all the same.
 */
function refusePost(request: Request): Reply | null {
  const site = request.headers.get('sec-fetch-site') ?? 'none';
  if (['same-origin', 'none'].includes(site)) return null;
  return text(403, 'This form is sent from its own page only.\n');
}

interface Shown {
  readonly notice?: Notice;
  readonly value?: string;
  readonly id?: string;
  /** The message whose archiving is waited for. */
  readonly refresh?: string;
}

function page(parts: ExamplePageParts, status: number, shown: Shown): Reply {
  const items = parts.items();
  const { notice = null, value = '', id = crypto.randomUUID(), refresh } = shown;
  const content: FormPage = {
    items: items ?? [],
    id,
    value,
    notice: notice ?? (items === undefined ? problem('the archive is not served here') : null),
  };
  const headers = {
    ...SECURITY,
    // With none a browser would send the form with the Origin `null`.
    'Referrer-Policy': 'same-origin',
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    // The page of a POST would be posted again: it goes on at an address of its own.
    ...(refresh === undefined
      ? {}
      : { Refresh: `${REFRESH_SECONDS}; url=/example/?message=${refresh}` }),
  };
  return { status, headers, body: formPage(content) };
}

/** Resolves when the items have come so far, or after 5 s. */
function shownUpTo({ whenListed }: ExamplePageParts, at: Frontier): Promise<void> {
  return new Promise((resolve) => {
    const limit = setTimeout(resolve, WAIT_MS);
    whenListed(at, () => {
      clearTimeout(limit);
      resolve();
    });
  });
}

/** Percent signs may spell bytes that are no UTF-8. */
function isUtf8(form: string): boolean {
  try {
    decodeURIComponent(form);
    return true;
  } catch {
    return false;
  }
}

const done = (id: string): Notice => ({ kind: 'done', text: `Archived: ${id}` });
const waiting: Notice = {
  kind: 'waiting',
  text: 'Accepted, not archived yet. It will be: this page says when.',
};
const problem = (told: string): Notice => ({ kind: 'problem', text: told });

const redirect = (location: string, status: number): Reply => ({
  status,
  headers: { ...SECURITY, Location: location, 'Cache-Control': 'no-store' },
  body: '',
});

const text = (status: number, body: string): Reply => ({
  status,
  headers: { ...SECURITY, 'Content-Type': 'text/plain; charset=utf-8' },
  body,
});
