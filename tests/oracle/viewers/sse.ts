import { createParser } from 'eventsource-parser';
import { httpStream } from './http-stream.ts';
import { type Kind, onlyHolding } from './kind.ts';
import { takeStreamMessage } from './stream-message.ts';

const TOKEN = /^([A-Za-z0-9_-]{16})\.(\d+)$/;

/** Server-sent events: each names its epoch and frontier, and the next connection goes on there. */
export const sse: Kind = {
  name: 'sse',
  isResuming: true,
  isGrouped: false,
  isFiltered: false,
  open(opening) {
    const holding = onlyHolding(opening);
    const isResuming = holding.epoch !== null;
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (isResuming) headers['Last-Event-ID'] = `${holding.epoch}.${holding.frontier}`;
    let isFirst = !isResuming;
    const parser = createParser({
      onEvent: ({ id, data }) => {
        const { epoch, frontier } = readToken(id);
        takeStreamMessage(holding, data, { isWhole: isFirst, epoch });
        isFirst = false;
        if (holding.frontier !== frontier) {
          throw new Error(`the id ${id} is not the timestamp ${holding.frontier} of its message`);
        }
      },
      onError: (error) => {
        throw error;
      },
    });
    const path = `/api/stream/${encodeURIComponent(holding.question.view)}`;
    return httpStream(opening, path, headers, (text) => parser.feed(text));
  },
};

function readToken(id: string | undefined): { epoch: string; frontier: number } {
  const [, epoch, frontier] = TOKEN.exec(id ?? '') ?? [];
  if (epoch === undefined) throw new Error(`expected <epoch>.<frontier> as an id, got ${id}`);
  return { epoch, frontier: Number(frontier) };
}
