import type { Frontier } from '../../protocol/update.ts';

/**
 * A viewer's position: what it holds is the view of `epoch` at `frontier`. Any server of the same
 * upstream honours it. Its text is `<epoch>.<frontier>` (PROTOCOL.md, "Resume tokens").
 */
export interface ResumeToken {
  readonly epoch: string;
  readonly frontier: Frontier;
}

const TOKEN = /^([A-Za-z0-9_-]{1,64})\.(end|0|[1-9][0-9]{0,15})$/;

export const formatToken = (token: ResumeToken): string => `${token.epoch}.${token.frontier}`;

/** Reads a token's text; null when it is none, which is answered like a token too old. */
export function parseToken(text: string): ResumeToken | null {
  const match = TOKEN.exec(text);
  const [, epoch, time] = match ?? [];
  if (epoch === undefined || time === undefined) return null;
  if (time === 'end') return { epoch, frontier: 'end' };
  const frontier = Number(time);
  return Number.isSafeInteger(frontier) ? { epoch, frontier } : null;
}
