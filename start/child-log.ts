import { z } from 'zod';

/** One line of a child's stderr as a person reads it. */
export interface LogLine {
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
}

const entry = z.object({
  level: z.number(),
  msg: z.string().optional(),
  err: z.object({ message: z.string() }).optional(),
});

/** Reads pino's JSON; a line that is none (a crash's stack) is an error as it stands. */
export function readLogLine(line: string): LogLine {
  const parsed = entry.safeParse(parseJson(line)).data;
  if (parsed === undefined) return { level: 'error', text: line };
  const level = parsed.level >= 50 ? 'error' : parsed.level >= 40 ? 'warning' : 'info';
  const cause = parsed.err?.message;
  const message = parsed.msg ?? '';
  // Pino adds what caused the error to its message; one that is logged by its own tells enough.
  const told = cause === undefined || message.includes(cause);
  const own = message !== '' && cause?.startsWith(`${message}: `);
  return { level, text: told || own ? message : `${message}: ${cause}` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
