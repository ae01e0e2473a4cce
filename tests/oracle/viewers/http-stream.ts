import { type IncomingMessage, request } from 'node:http';
import type { Link, Opening } from './kind.ts';

/**
 * Reads a response that does not end. `take` gets its text as it comes; what it throws ends the
 * connection and is told as a failure.
 */
export function httpStream(
  { host, port, closed, failed }: Opening,
  path: string,
  headers: Readonly<Record<string, string>>,
  take: (text: string) => void,
): Link {
  let isOver = false;
  let isPaused = false;
  let response: IncomingMessage | null = null;
  const over = (tell: () => void) => {
    if (isOver) return;
    isOver = true;
    asking.destroy();
    tell();
  };
  const asking = request({ host, port, path, headers, agent: false }, (answer) => {
    response = answer;
    answer.setEncoding('utf8');
    answer.on('error', () => {});
    answer.on('close', () => over(() => closed('the response ended')));
    if (answer.statusCode !== 200) {
      answer.resume();
      over(() => closed(`status ${answer.statusCode}`));
      return;
    }
    answer.on('data', (text: string) => {
      if (isOver) return;
      try {
        take(text);
      } catch (error) {
        over(() => failed(error instanceof Error ? error : new Error(String(error))));
      }
    });
    if (isPaused) answer.pause();
  });
  asking.on('error', (error) => over(() => closed(error.message)));
  asking.end();
  return {
    pause: () => {
      isPaused = true;
      response?.pause();
    },
    resume: () => {
      isPaused = false;
      response?.resume();
    },
    close: () => over(() => {}),
  };
}
