import { refuseTraps } from '../../protocol/client-message.ts';
import { BOUNDS } from '../../protocol/message.ts';
import type { Json } from '../../protocol/update.ts';
import { errorReply, jsonReply, type Reply } from '../reply.ts';
import type { Request } from '../request.ts';
import { isOfType, textOf } from './body.ts';
import {
  type Given,
  type Intake,
  type Outcome,
  type Refused,
  standingOf,
  takeIn,
} from './intake.ts';
import { givenMessageSchema, MOST_MESSAGES } from './rest-schema.ts';
import { matchPath, type PostRoute, type Route, type Visitor } from './routes.ts';

/** The longest wait that `Prefer` can ask for. */
const MOST_WAIT_SECONDS = 60;

/** The HTTP status of each refusal. */
const STATUS: Readonly<Record<string, number>> = {
  bad_request: 400,
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
      const value = readBodyValue(request, body);
      if ('reply' in value) return value.reply;
      const { given } = value;
      const waitMs = waitOf(request);
      const take = async (one: unknown): Promise<Told> => {
        const message = readGiven(one);
        if ('outcome' in message) return message;
        if (visitor.forbidsTopic(message.topic) !== null) {
          return { ...message, outcome: forbidden(message.topic) };
        }
        return { ...message, outcome: await takeIn(intake, message, addressOf(request), waitMs) };
      };
      if (!Array.isArray(given)) return oneReply(await take(given));
      if (given.length > MOST_MESSAGES) {
        return badRequest(`expected at most ${MOST_MESSAGES} messages, got ${given.length}`);
      }
      const told = await Promise.all(given.map(take));
      return jsonReply(200, { messages: told.map(describe) });
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

function readBodyValue(
  request: Request,
  body: Buffer,
): { readonly given: unknown } | { readonly reply: Reply } {
  if (!isOfType(request.headers.get('content-type'), 'application/json')) {
    const message = 'expected Content-Type: application/json, in UTF-8';
    return { reply: errorReply(415, 'media_type', message) };
  }
  const text = textOf(body);
  if (text === null) return { reply: badRequest('expected UTF-8') };
  try {
    return { given: JSON.parse(text) };
  } catch (error) {
    return { reply: badRequest(`expected JSON: ${error instanceof Error ? error.message : ''}`) };
  }
}

/** One message as it came, or what is told of one that is none. */
function readGiven(one: unknown): Given | Told {
  try {
    refuseTraps(one);
  } catch (error) {
    return malformed(error instanceof Error ? error.message : String(error));
  }
  const result = givenMessageSchema.safeParse(one);
  if (!result.success) {
    const [{ path, message } = { path: [], message: '' }] = result.error.issues;
    const [field] = path;
    if (field === undefined) return malformed(message);
    const isMissing = path.length === 1 && !Object.hasOwn(Object(one), field);
    return malformed(isMissing ? `${String(field)} is missing` : `${path.join('.')}: ${message}`);
  }
  const { id = crypto.randomUUID(), topic, value } = result.data;
  return { id, topic, value: value as Json };
}

const malformed = (problem: string): Told => {
  const message = `${problem}; expected {topic, value, id?} or an array of those`;
  return { outcome: { state: 'refused', code: 'bad_request', message } };
};

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
