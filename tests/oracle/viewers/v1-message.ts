import { z } from 'zod';

const change = z.tuple([z.number().int(), z.array(z.unknown())]);

/** What a server of `ws /api/v1` says, as PROTOCOL.md has it; written anew, for the test. */
const schema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), protocol: z.literal(1) }),
  z.object({
    type: z.literal('subscribed'),
    id: z.string(),
    channel: z.number().int(),
    epoch: z.string(),
    resumed: z.enum(['snapshot', 'batch']),
    reason: z.string().optional(),
  }),
  z.object({
    type: z.literal('batch'),
    channel: z.number().int(),
    lower: z.number().int().nullable(),
    upper: z.number().int(),
    changes: z.record(z.string(), z.array(change)),
    held: z.record(z.string(), z.number().int()).optional(),
    part: z.number().int().optional(),
    parts: z.number().int().optional(),
  }),
  z.object({
    type: z.literal('progress'),
    channel: z.number().int(),
    upper: z.number().int(),
    hash: z.record(z.string(), z.string()),
    held: z.record(z.string(), z.number().int()).optional(),
  }),
  z.object({ type: z.literal('status'), channel: z.number().int(), state: z.string() }),
  z.object({ type: z.literal('error'), id: z.string().optional(), code: z.string() }),
]);

export type V1Message = z.infer<typeof schema>;
export type V1Batch = Extract<V1Message, { type: 'batch' }>;
export type V1Progress = Extract<V1Message, { type: 'progress' }>;
export type V1Subscribed = Extract<V1Message, { type: 'subscribed' }>;
export type V1Error = Extract<V1Message, { type: 'error' }>;

/** @throws when it is no message of the protocol. */
export function readV1(text: string): V1Message {
  return schema.parse(JSON.parse(text));
}
