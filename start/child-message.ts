import { z } from 'zod';

const message = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), port: z.number().optional() }),
  z.object({ type: z.literal('heartbeat') }),
  z.object({
    type: z.literal('input'),
    kind: z.string(),
    label: z.string(),
    state: z.string(),
  }),
  z.object({ type: z.literal('progress'), done: z.number(), total: z.number().nullish() }),
  z.object({ type: z.literal('done') }),
]);

/** What a child process tells its parent over IPC. */
export type ChildMessage = z.infer<typeof message>;

/** Returns null for what is none of ours, which a newer child may send. */
export function parseChildMessage(value: unknown): ChildMessage | null {
  return message.safeParse(value).data ?? null;
}
