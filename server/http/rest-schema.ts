import { z } from 'zod';

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
