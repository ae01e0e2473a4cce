import { z } from 'zod';
import { get } from './get.ts';
import { type Kind, onlyHolding } from './kind.ts';

const schema = z.object({
  view: z.string(),
  epoch: z.string(),
  timestamp: z.number(),
  rows: z.array(z.array(z.unknown())),
});

/** @throws when it is no answer of `GET /api/views/<view>`. */
export function readWholeView(body: string): z.infer<typeof schema> {
  return schema.parse(JSON.parse(body));
}

const MOST_WAIT_MS = 800;

/** Asks for the whole view now and then, and says what it has by its ETag. */
export const rest: Kind = {
  name: 'rest',
  isResuming: false,
  isGrouped: false,
  isFiltered: false,
  open(opening) {
    const holding = onlyHolding(opening);
    const { random, closed, failed } = opening;
    const path = `/api/views/${encodeURIComponent(holding.question.view)}`;
    let etag: string | undefined;
    let isOver = false;
    let isPaused = false;
    let timer: NodeJS.Timeout | undefined;
    const later = () => {
      if (!isOver) timer = setTimeout(ask, random.integer(50, MOST_WAIT_MS));
    };
    const ask = () => {
      if (isPaused) return later();
      const headers = etag === undefined ? {} : { 'If-None-Match': etag };
      get(opening, path, headers)
        .then((answer) => {
          if (isOver) return;
          if (answer.status === 200) {
            const { epoch, timestamp, rows } = readWholeView(answer.body);
            holding.visit();
            holding.replace(rows, timestamp, epoch, 'GET');
            etag = answer.etag;
          }
          if (answer.status === 200 || answer.status === 304) return later();
          isOver = true;
          closed(`status ${answer.status}`);
        })
        .catch((error: Error) => {
          if (isOver) return;
          isOver = true;
          if ('code' in error && typeof error.code === 'string') closed(error.message);
          else failed(error);
        });
    };
    ask();
    return {
      pause: () => {
        isPaused = true;
      },
      resume: () => {
        isPaused = false;
      },
      close: () => {
        isOver = true;
        clearTimeout(timer);
      },
    };
  },
};
