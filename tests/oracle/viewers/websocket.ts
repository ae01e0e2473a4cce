import { WebSocket } from 'ws';
import { type Kind, onlyHolding } from './kind.ts';
import { takeStreamMessage } from './stream-message.ts';

/** Wikirecent's own client: no position, each connection begins with the whole view. */
export const websocket: Kind = {
  name: 'websocket',
  isResuming: false,
  isGrouped: false,
  isFiltered: false,
  open(opening) {
    const holding = onlyHolding(opening);
    const { host, port, closed, failed } = opening;
    const path = `/api/stream/${encodeURIComponent(holding.question.view)}`;
    const socket = new WebSocket(`ws://${host}:${port}${path}`, { perMessageDeflate: false });
    let isFirst = true;
    let isOver = false;
    socket.on('message', (data) => {
      if (isOver) return;
      try {
        takeStreamMessage(holding, String(data), { isWhole: isFirst, epoch: null });
        isFirst = false;
      } catch (error) {
        isOver = true;
        socket.terminate();
        failed(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on('error', () => {});
    socket.on('close', (code, reason) => {
      if (isOver) return;
      isOver = true;
      closed(`${code} ${reason}`);
    });
    return {
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      close: () => {
        isOver = true;
        socket.terminate();
      },
    };
  },
};
