import type { z } from 'zod';
import { PROTOCOL_VERSION } from '../../protocol/message.ts';
import { toComponents } from './json-schema.ts';
import {
  catalogueSchema,
  givenMessageSchema,
  givenSchema,
  liveSchema,
  messageStateSchema,
  messageStatesSchema,
  readySchema,
  refusalSchema,
  streamMessageSchema,
  viewSchema,
} from './rest-schema.ts';

/** A JSON document, or a part of one. */
type Document = Readonly<Record<string, unknown>>;

const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  Catalogue: catalogueSchema,
  View: viewSchema,
  Change: streamMessageSchema,
  Refusal: refusalSchema,
  GivenMessage: givenMessageSchema,
  GivenMessages: givenSchema,
  MessageState: messageStateSchema,
  MessageStates: messageStatesSchema,
  Live: liveSchema,
  Ready: readySchema,
};

const VIEW = {
  name: 'view',
  in: 'path',
  required: true,
  description: 'The name of a view; `GET /api/views` lists them.',
  schema: { type: 'string' },
  example: 'top10',
};
const PREFER = {
  name: 'Prefer',
  in: 'header',
  description:
    '`wait=5`: the answer waits up to 5 s for the message to be archived; without, until it is accepted.',
  schema: { type: 'string' },
  example: 'wait=5',
};
const MESSAGE = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'The id of a message.',
  schema: { type: 'string', format: 'uuid' },
};
const TOPIC = {
  name: 'topic',
  in: 'query',
  description: 'Where one id is used in several topics.',
  schema: { type: 'string' },
  example: 'example',
};
const FROM = {
  name: 'from',
  in: 'query',
  description: 'A resume token, `<epoch>.<timestamp>`: what is held already.',
  schema: { type: 'string' },
};
const LAST_EVENT_ID = { ...FROM, name: 'Last-Event-ID', in: 'header' };
const IF_NONE_MATCH = { name: 'If-None-Match', in: 'header', schema: { type: 'string' } };

const json = (description: string, schema: string): Document => ({
  description,
  content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
});
const refused = (description: string): Document => json(description, 'Refusal');
const get = (summary: string, responses: Document, parameters: readonly Document[] = []) => ({
  get: { summary, ...(parameters.length === 0 ? {} : { parameters }), responses },
});

const NO_VIEW = { 404: refused('No view of that name; `views` names those that are.') };
const NOT_FOR_THIS_PAGE = { 403: refused("The page's Origin may not use this server.") };

const stream = get(
  'One view as it changes: a message with all rows first, then one for each change',
  {
    200: {
      description: 'A stream without an end; each message is a `Change`.',
      content: {
        'application/x-ndjson': { schema: { $ref: '#/components/schemas/Change' } },
        'text/event-stream': {
          schema: { type: 'string', description: '`id`: a resume token. `data`: a `Change`.' },
        },
      },
    },
    ...NOT_FOR_THIS_PAGE,
    ...NO_VIEW,
    429: refused('The address has as many streams as it may.'),
  },
  [VIEW, FROM, LAST_EVENT_ID],
);

const paths: Document = {
  '/api/views': get('The views that are served', {
    200: json('Each with columns, state and size.', 'Catalogue'),
    ...NOT_FOR_THIS_PAGE,
    503: refused('Which views there are is not known yet.'),
  }),
  '/api/views/{view}': get(
    'The rows of a view at one timestamp',
    {
      200: json('All rows; the ETag stands until they change.', 'View'),
      304: { description: 'The rows are those of If-None-Match.' },
      ...NOT_FOR_THIS_PAGE,
      ...NO_VIEW,
      503: refused('The view is being read for the first time, or not known yet.'),
    },
    [VIEW, IF_NONE_MATCH],
  ),
  '/api/stream/{view}': stream,
  '/api/v1/stream/{view}': stream,
  '/api/messages': {
    post: {
      summary: 'Submits a message, or an array of some',
      parameters: [PREFER],
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: { $ref: '#/components/schemas/GivenMessages' },
            example: { topic: 'example', value: { value: 'Hello' } },
          },
        },
      },
      responses: {
        200: json('Of an array: where each of them stands.', 'MessageStates'),
        201: json('It is archived.', 'MessageState'),
        202: json(
          'It is on its way, `accepted` (safe) or only `submitted`: Location names where it stands.',
          'MessageState',
        ),
        400: refused('The body is no message.'),
        403: refused('The token, or the Origin, does not allow it.'),
        404: refused('No such topic takes messages.'),
        409: refused('The id was used for another value before.'),
        413: refused('The body is too long.'),
        415: refused('The body is no application/json.'),
        422: refused("The value does not fit the topic's schema; the message names the field."),
        503: refused(
          'Not now, or nobody accepted it within 5 s; the same message may be sent again after Retry-After.',
        ),
      },
    },
  },
  '/api/messages/{id}': get(
    'Where a message stands',
    {
      200: {
        description: 'Its state; asked for events, one for each that it comes to, until the last.',
        content: {
          'application/json': { schema: { $ref: '#/components/schemas/MessageState' } },
          'text/event-stream': {
            schema: { type: 'string', description: '`event`: accepted, archived or refused.' },
          },
        },
      },
      ...NOT_FOR_THIS_PAGE,
      404: refused('Nothing is known here of such a message.'),
    },
    [MESSAGE, TOPIC],
  ),
  '/livez': get('Whether the process answers', { 200: json('It does.', 'Live') }),
  '/readyz': get('Whether every view has its rows', {
    200: json('All have.', 'Ready'),
    503: json('Not yet, or the server is about to stop.', 'Ready'),
  }),
  '/metrics': get('Numbers for Prometheus', {
    200: { description: 'Text format.', content: { 'text/plain': { schema: { type: 'string' } } } },
  }),
  '/openapi.json': get('This document', document('OpenAPI 3.1.')),
  '/asyncapi.json': get('The WebSocket interfaces', document('AsyncAPI 3.')),
};

function document(description: string): Document {
  return { 200: { description, content: { 'application/json': { schema: { type: 'object' } } } } };
}

/** `/openapi.json`: what the server answers over HTTP, as OpenAPI 3.1. */
export function openApiDocument(): Document {
  return {
    openapi: '3.1.0',
    info: {
      title: 'viewcast',
      version: String(PROTOCOL_VERSION),
      description: 'Live SQL views for any number of viewers. PROTOCOL.md is the specification.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: { schemas: Object.fromEntries(Object.entries(SCHEMAS).flatMap(component)) },
  };
}

/** A schema under its name, and what it refers to beside it. */
function component([name, schema]: [string, z.ZodType]): (readonly [string, unknown])[] {
  const { schema: own, others } = toComponents(name, schema);
  return [[name, own], ...Object.entries(others)];
}
