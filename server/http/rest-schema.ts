import { z } from 'zod';
import { BOUNDS } from '../../protocol/message.ts';

/** What the REST interface and the streams answer, as schemas: for the documents, and for tests. */

const frontier = z
  .union([z.int().min(0), z.literal('end')])
  .describe('Milliseconds by the database; `"end"` when the view can never change again.');
const columns = z.array(z.object({ name: z.string(), type: z.string() }));
const row = z.array(z.json()).describe('Values in column order (PROTOCOL.md, "Values").');

/** `GET /api/views`. */
export const catalogueSchema = z.object({
  views: z.array(
    z.object({
      name: z.string(),
      columns,
      definition: z.string().nullable().describe('The statement that made it, where it is known.'),
      epoch: z.string(),
      timestamp: frontier.nullable(),
      state: z.enum(['hydrating', 'live', 'stale', 'ended', 'gone']),
      rows: z.int().min(0).describe('Rows with their multiplicities.'),
      viewers: z.int().min(0),
    }),
  ),
});

/** `GET /api/views/<view>`. */
export const viewSchema = z.object({
  view: z.string(),
  epoch: z.string(),
  timestamp: frontier,
  columns,
  rows: z.array(row),
});

/** A message of `/api/stream/<view>`, on each of its framings. */
export const streamMessageSchema = z.object({
  deleted: z.array(row),
  inserted: z.array(row),
  timestamp: frontier,
  snapshot: z.exactOptional(z.literal(true)),
});

/** A message as `POST /api/messages` takes it. */
export const givenMessageSchema = z.strictObject({
  id: z.exactOptional(z.uuid().describe('Made by the server when missing.')),
  topic: z.string().min(1).max(BOUNDS.nameLength),
  value: z.json().describe("What fits the schema of the topic's values."),
});

/** Messages of one request. */
export const MOST_MESSAGES = 100;

/** The body of `POST /api/messages`. */
export const givenSchema = z.union([
  givenMessageSchema,
  z.array(givenMessageSchema).max(MOST_MESSAGES),
]);

/** Where a message stands. */
export const messageStateSchema = z.object({
  id: z.exactOptional(z.uuid().describe('Missing, as the topic, of what is no message.')),
  topic: z.exactOptional(z.string()),
  state: z
    .enum(['submitted', 'accepted', 'archived', 'refused'])
    .describe('`submitted`: nobody has accepted it yet, and perhaps nobody will.'),
  timestamp: z.exactOptional(frontier).describe('The frontier at which the archive shows it.'),
  error: z.exactOptional(z.string()).describe('The code of a refusal.'),
  message: z.exactOptional(z.string()).describe('Of a refusal, for people.'),
  retryMs: z.exactOptional(z.int().min(0)).describe('When to ask again, under the same id.'),
});

/** What an array of messages is answered, in its order. */
export const messageStatesSchema = z.object({ messages: z.array(messageStateSchema) });

/** A refusal. */
export const refusalSchema = z.looseObject({ error: z.string(), message: z.string() });

/** `GET /livez`. */
export const liveSchema = z.object({ live: z.literal(true) });

/** `GET /readyz`: 200 with `views`, 503 with what is `missing`. */
export const readySchema = z.object({
  ready: z.boolean(),
  views: z.exactOptional(z.int().min(0)),
  missing: z.exactOptional(z.array(z.string())),
  stale: z.array(z.string()),
});

/** What a client of `ws /example/ws/` says. */
export const exampleRequestSchema = z.union([
  z.object({
    action: z.literal('send'),
    value: z.exactOptional(z.string()),
    id: z.exactOptional(z.uuid()).describe('Who gives one is told when it is archived.'),
  }),
  z.object({ action: z.literal('list'), since: z.exactOptional(z.string()) }),
]);

const ok = z.literal('ok');
const item = z.object({
  id: z.int(),
  data_id: z.string().nullable(),
  data_provenance: z.array(z.string()),
  timestamp: z.string().nullable(),
  value: z.string().nullable(),
  created_date: z.string().nullable(),
});

/** What it hears. */
export const exampleReplySchema = z.union([
  z.object({ result: z.string(), status: ok, id: z.exactOptional(z.uuid()) }),
  z.object({ items: z.array(item), status: ok }),
  z.object({ archived: z.uuid(), timestamp: frontier, status: ok }),
  z.object({ status: z.literal('error'), error: z.string() }),
]);
