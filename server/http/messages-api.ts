import { BOUNDS } from '../../protocol/message.ts';
import type { Json } from '../../protocol/update.ts';
import { errorReply, jsonReply, type Reply } from '../reply.ts';
import type { Request } from '../request.ts';
import { textOf } from './body.ts';
import {
  type Given,
  type Intake,
  type Outcome,
  type Refused,
  standingOf,
  takeIn,
} from './intake.ts';
import { givenSchema, MOST_MESSAGES } from './rest-schema.ts';
import { matchPath, type PostRoute, type Route, type Visitor } from './routes.ts';

/** The longest wait that `Prefer` can ask for. */
const MOST_WAIT_SECONDS = 60;

/** The HTTP status of each refusal. */
const STATUS: Readonly<Record<string, number>> = {
  unknown_topic: 404,
  invalid_value: 422,
  id_conflict: 409,
  forbidden: 403,
  unavailable: 503,
  overloaded: 503,
};

/** `POST /api/messages`: one message, or an array of some. */
export function messagesRoute(intake: Intake, addressOf: (request: Request) => string): PostRoute {
  return {
    path: '/api/messages',
    mostBytes: MOST_MESSAGES * BOUNDS.messageBytes,
    answer: async (request, body, visitor) => {
      const given = readGiven(request, body);
      if ('reply' in given) return given.reply;
      const waitMs = waitOf(request);
      const take = async (message: Given): Promise<Outcome> => {
        if (visitor.forbidsTopic(message.topic) !== null) return forbidden(message.topic);
        return takeIn(intake, message, addressOf(request), waitMs);
      };
      const outcomes = await Promise.all(given.messages.map(take));
      const told = outcomes.map((outcome, at) => ({ ...given.messages[at], outcome }));
      const [only] = told;
      if (given.isList) return jsonReply(200, { messages: told.map(describe) });
      return only === undefined ? badRequest('expected a message') : oneReply(only);
    },
  };
}

/** `GET /api/messages/<id>`, with `?topic=` where an id is used in several. */
export function messageRoute(intake: Intake): Route {
  return (request, visitor) => {
    const asked = askedMessage(request, intake, visitor);
    if (asked === null) return null;
    const { id } = asked;
    for (const topic of asked.topics) {
      const outcome = standingOf(intake, topic, id);
      if (outcome !== null) return jsonReply(200, describe({ id, topic, outcome }));
    }
    return unknownMessage(id);
  };
}

/** The message that a request names, and the topics it may be of. */
export function askedMessage(
  request: Request,
  intake: Intake,
  visitor: Visitor,
): { readonly id: string; readonly topics: readonly string[] } | null {
  const [id] = matchPath(request.path, '/api/messages/:') ?? [];
  if (id === undefined || id === '') return null;
  const topic = request.query.get('topic');
  const topics = (topic === null ? intake.topics() : [topic]).filter(
    (name) => visitor.forbidsTopic(name) === null,
  );
  return { id, topics };
}

export const unknownMessage = (id: string): Reply =>
  errorReply(404, 'unknown_message', `nothing is known here of a message ${id.slice(0, 64)}`);

function readGiven(
  request: Request,
  body: Buffer,
): { readonly messages: readonly Given[]; readonly isList: boolean } | { readonly reply: Reply } {
  if (!/^application\/json\b/i.test(request.headers.get('content-type') ?? '')) {
    const message = 'expected Content-Type: application/json';
    return { reply: errorReply(415, 'media_type', message) };
  }
  const text = textOf(body);
  if (text === null) return { reply: badRequest('expected UTF-8') };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { reply: badRequest(`expected JSON: ${error instanceof Error ? error.message : ''}`) };
  }
  const result = givenSchema.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    const place = issue?.path.join('.') || 'the body';
    return {
      reply: badRequest(`${place}: ${issue?.message}; expected {topic, value, id?} or an array`),
    };
  }
  const list = Array.isArray(result.data) ? result.data : [result.data];
  const messages = list.map(({ id, topic, value: given }) => ({
    id: id ?? crypto.randomUUID(),
    topic,
    value: given as Json,
  }));
  return { messages, isList: Array.isArray(result.data) };
}

/** `Prefer: wait=5` (RFC 7240 §4.3); null when it asks for no time. */
function waitOf(request: Request): number | null {
  const wait = /(?:^|[,;]\s*)wait\s*=\s*"?(\d{1,4})/i.exec(
    request.headers.get('prefer') ?? '',
  )?.[1];
  return wait === undefined ? null : Math.min(Number(wait), MOST_WAIT_SECONDS) * 1_000;
}

type Told = Partial<Given> & { readonly outcome: Outcome };

function describe({ id, topic, outcome }: Told): object {
  if (outcome.state !== 'refused') return { id, topic, ...outcome };
  const { code, message, retryMs } = outcome;
  const wait = retryMs === undefined ? {} : { retryMs };
  return { id, topic, state: 'refused', error: code, message, ...wait };
}

/** What a single message is answered. */
function oneReply(told: Told): Reply {
  const { id, topic, outcome } = told;
  if (outcome.state === 'refused') return refusedReply(outcome, { id, topic });
  const location = `/api/messages/${id}?topic=${encodeURIComponent(topic ?? '')}`;
  const status = outcome.state === 'archived' ? 201 : 202;
  return jsonReply(status, describe(told), { Location: location });
}

/** A refusal; where coming again helps, with when. */
export function refusedReply(
  { code, message, retryMs }: Refused,
  more: Readonly<Record<string, unknown>>,
): Reply {
  const wait = retryMs === undefined ? {} : { retryMs };
  const headers: Record<string, string> =
    retryMs === undefined ? {} : { 'Retry-After': String(Math.ceil(retryMs / 1_000)) };
  return errorReply(STATUS[code] ?? 500, code, message, { ...more, ...wait }, headers);
}

const badRequest = (message: string): Reply => errorReply(400, 'bad_request', message);

const forbidden = (topic: string): Outcome => ({
  state: 'refused',
  code: 'forbidden',
  message: `the token does not allow messages to ${topic}`,
});
