import { httpStream } from './http-stream.ts';
import { type Kind, onlyHolding } from './kind.ts';
import { takeStreamMessage } from './stream-message.ts';

/** One JSON object a line over plain HTTP, from the start each time. */
export const ndjson: Kind = {
  name: 'ndjson',
  isResuming: false,
  isGrouped: false,
  isFiltered: false,
  open(opening) {
    const holding = onlyHolding(opening);
    let isFirst = true;
    let rest = '';
    const path = `/api/stream/${encodeURIComponent(holding.question.view)}`;
    return httpStream(opening, path, {}, (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        takeStreamMessage(holding, line, { isWhole: isFirst, epoch: null });
        isFirst = false;
      }
    });
  },
};
