import { z } from 'zod';
import type { Holding } from '../holding.ts';

const row = z.array(z.unknown());
const schema = z.strictObject({
  deleted: z.array(row),
  inserted: z.array(row),
  timestamp: z.number(),
  snapshot: z.literal(true).optional(),
});

export type StreamMessage = z.infer<typeof schema>;

/**
 * Takes one message of a stream. The first one of a connection that named no position is the whole
 * view, and so is one that says so.
 *
 * @throws when it is no such message.
 */
export function takeStreamMessage(
  holding: Holding,
  text: string,
  { isWhole, epoch }: { isWhole: boolean; epoch: string | null },
): StreamMessage {
  const message = schema.parse(JSON.parse(text));
  const { deleted, inserted, timestamp, snapshot } = message;
  if (isWhole || snapshot === true) {
    if (deleted.length > 0) throw new Error(`a snapshot deletes ${JSON.stringify(deleted)}`);
    holding.replace(inserted, timestamp, epoch, 'snapshot');
  } else {
    holding.change(deleted, inserted, timestamp, epoch, 'change');
  }
  return message;
}
