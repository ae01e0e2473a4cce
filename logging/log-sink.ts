import { writeSync } from 'node:fs';

const STANDARD_ERROR = 2;

/**
 * Where the log goes: standard error, at once. A log that cannot be written, on a full disk or with
 * nobody at the other end, stops nobody: its lines are lost, and the process goes on.
 */
export const logSink = {
  write(line: string): void {
    try {
      writeSync(STANDARD_ERROR, line);
    } catch {
      // There is nowhere left to say it.
    }
  },
};
