import type { Frontier } from '../../protocol/update.ts';
import { EXAMPLE_TOPIC, type Item, inventedCall, NEWEST_VIEW } from '../example-items.ts';
import type { Reply } from '../reply.ts';
import type { Request } from '../request.ts';
import { isOfType, textOf } from './body.ts';
import { type FormPage, formPage, type Notice } from './example-html.ts';
import { type Intake, type Outcome, type Refused, standingOf, takeIn } from './intake.ts';
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
/** Nobody said within that time that they have it: it may have got there, or not. */
const UNANSWERED: Refused = {
  code: 'unavailable',
  message: 'nobody accepted it within 5 s. Send it again: should it have got there, it counts once',
  retryMs: 1_000,
};
/** Far more than a message may have: what is too long by less is answered with the text kept. */
const LONGEST_BODY = 262_144;
const FORM_TYPE = 'application/x-www-form-urlencoded';
const REFRESH_SECONDS = 2;
/** Another server may be asked than the one that accepted a message: so often it looks for it. */
const MOST_LOOKS = 30;
/** Where the message is said to be archived, it lacks moments. */
const LOOKS_WHEN_ARCHIVED = 2;
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
    const isArchived = Number.isSafeInteger(at) && at > 0;
    const looks = Number(request.query.get('looks') ?? (isArchived ? LOOKS_WHEN_ARCHIVED : 0));
    return isArchived
      ? shownUpTo(parts, at).then(() => standing(parts, id, looks, done(id)))
      : standing(parts, id, looks, null);
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
      if (!isOfType(request.headers.get('content-type'), FORM_TYPE)) {
        return text(415, `A form is sent as Content-Type: ${FORM_TYPE}, in UTF-8.\n`);
      }
      const sent = textOf(body);
      if (sent === null || !isUtf8(sent))
        return page(parts, 400, { notice: problem('expected UTF-8') });
      const form = new URLSearchParams(sent);
      const value = form.get('value') || inventedCall(parts.random);
      const given = form.get('id') ?? '';
      let id = UUID.test(given) ? given : crypto.randomUUID();
      let outcome = await send(parts, request, id, value);
      // Somebody who went back and changed the text means another message.
      if (outcome.state === 'refused' && outcome.code === 'id_conflict') {
        id = crypto.randomUUID();
        outcome = await send(parts, request, id, value);
      }
      return answerTo(parts, outcome, id, value);
    },
  };
}

function send(
  { intake, addressOf }: ExamplePageParts,
  request: Request,
  id: string,
  value: string,
): Promise<Outcome> {
  const message = { topic: EXAMPLE_TOPIC, id, value: { value } };
  return takeIn(intake, message, addressOf(request), WAIT_MS);
}

function answerTo(parts: ExamplePageParts, outcome: Outcome, id: string, value: string): Reply {
  switch (outcome.state) {
    case 'archived':
      return redirect(`/example/?message=${id}&at=${outcome.timestamp}`, 303);
    case 'accepted':
      return page(parts, 202, { notice: waiting, refresh: { id, looks: MOST_LOOKS } });
    case 'submitted':
      return refused(parts, UNANSWERED, id, value);
    case 'refused':
      return refused(parts, outcome, id, value);
  }
}

/** The form again, with what was typed: sent once more it is the same message. */
function refused(
  parts: ExamplePageParts,
  { code, message, retryMs }: Refused,
  id: string,
  value: string,
): Reply {
  const status = retryMs !== undefined ? 503 : code === 'unknown_topic' ? 404 : 422;
  const told = page(parts, status, { notice: problem(`not sent: ${message}`), value, id });
  if (retryMs === undefined) return told;
  const seconds = String(Math.ceil(retryMs / 1_000));
  return { ...told, headers: { ...told.headers, 'Retry-After': seconds } };
}

/**
 * The page of a message: it loads itself anew until that is archived, and where nothing is known of
 * it `looks` times at most. `shown` is said of one that is archived and listed.
 */
function standing(parts: ExamplePageParts, id: string, looks: number, shown: Notice | null): Reply {
  const outcome = standingOf(parts.intake, EXAMPLE_TOPIC, id);
  if (outcome === null || outcome.state === 'refused') {
    const left = Math.min(looks, MOST_LOOKS) - 1;
    const again = left >= 0 ? { refresh: { id, looks: left } } : {};
    return page(parts, 404, { notice: unknown(id), ...again });
  }
  if (outcome.state !== 'archived') {
    const notice = outcome.state === 'accepted' ? waiting : unanswered;
    return page(parts, 200, { notice, refresh: { id, looks: MOST_LOOKS } });
  }
  if (shown !== null) return page(parts, 200, { notice: shown });
  return redirect(`/example/?message=${id}&at=${outcome.timestamp}`, 303);
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
  /** The message whose archiving is waited for, and how often it is looked for where it is unknown. */
  readonly refresh?: { readonly id: string; readonly looks: number };
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
      : {
          Refresh: `${REFRESH_SECONDS}; url=/example/?message=${refresh.id}&looks=${refresh.looks}`,
        }),
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
const unanswered: Notice = {
  kind: 'waiting',
  text: 'Sent, but not accepted yet: this page says when it is archived.',
};
const unknown = (id: string): Notice => ({
  kind: 'problem',
  text: `Nothing is known here of a message ${id}. Once archived it is listed: load this page again to see.`,
});
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
