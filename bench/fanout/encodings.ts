import type { Encodings } from './messages.ts';

/** Counts how often values are stringified and texts encoded to bytes while `run` runs. */
export async function countEncodings(run: () => Promise<void>): Promise<Encodings> {
  const { stringify } = JSON;
  const { from } = Buffer;
  let stringified = 0;
  let encoded = 0;
  JSON.stringify = ((...args: Parameters<typeof JSON.stringify>) => {
    stringified += 1;
    return stringify(...args);
  }) as typeof JSON.stringify;
  Buffer.from = ((...args: Parameters<typeof Buffer.from>) => {
    if (typeof args[0] === 'string') encoded += 1;
    return from.apply(Buffer, args);
  }) as typeof Buffer.from;
  try {
    await run();
  } finally {
    JSON.stringify = stringify;
    Buffer.from = from;
  }
  return { stringified, encoded };
}
