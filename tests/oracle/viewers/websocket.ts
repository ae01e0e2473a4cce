import { WebSocket } from 'ws';
import { get } from './get.ts';
import { type Kind, type Link, type Opening, onlyHolding } from './kind.ts';
import { readWholeView } from './rest.ts';
import { takeStreamMessage } from './stream-message.ts';

/** Wikirecent's own client: no position, each connection begins with the whole view. */
export const websocket: Kind = {
  name: 'websocket',
  isResuming: false,
  isGrouped: false,
  isFiltered: false,
  open: (opening) => streamSocket(opening, null, () => {}),
};

/** Where a client stands with its token, from one connection to the next. */
const EPOCH = 'epoch';

/**
 * A client that asks for the view by GET, and then for what came since. The stream does not say
 * when the epoch changes, so its claims name none.
 */
export const websocketFrom: Kind = {
  name: 'websocket-from',
  isResuming: false,
  isGrouped: false,
  isFiltered: false,
  open(opening) {
    const holding = onlyHolding(opening);
    const { memory, closed, failed } = opening;
    let link: Link | null = null;
    let isOver = false;
    let isPaused = false;
    const go = () => {
      const token = `${memory.get(EPOCH)}.${holding.frontier}`;
      link = streamSocket(opening, token, () => memory.delete(EPOCH));
      if (isPaused) link.pause();
    };
    const over = (tell: () => void) => {
      if (isOver) return;
      isOver = true;
      tell();
    };
    if (memory.has(EPOCH)) go();
    else {
      get(opening, `/api/views/${encodeURIComponent(holding.question.view)}`).then(
        ({ status, body }) => {
          if (isOver) return;
          if (status !== 200) return over(() => closed(`status ${status}`));
          const { epoch, timestamp, rows } = readWholeView(body);
          memory.set(EPOCH, epoch);
          holding.replace(rows, timestamp, null, 'GET');
          holding.visit();
          go();
        },
        (error: Error) => over(() => ('code' in error ? closed(error.message) : failed(error))),
      );
    }
    return {
      pause: () => {
        isPaused = true;
        link?.pause();
      },
      resume: () => {
        isPaused = false;
        link?.resume();
      },
      close: () => {
        isOver = true;
        link?.close();
      },
    };
  },
};

/** One stream; `replaced` is called when the token was refused and the whole view came instead. */
function streamSocket(opening: Opening, token: string | null, replaced: () => void): Link {
  const holding = onlyHolding(opening);
  const { host, port, closed, failed } = opening;
  const query = token === null ? '' : `?from=${token}`;
  const path = `/api/stream/${encodeURIComponent(holding.question.view)}${query}`;
  const socket = new WebSocket(`ws://${host}:${port}${path}`, { perMessageDeflate: false });
  let isWhole = token === null;
  let isOver = false;
  socket.on('message', (data) => {
    if (isOver) return;
    try {
      const text = String(data);
      const { snapshot } = takeStreamMessage(holding, text, { isWhole, epoch: null });
      if (snapshot === true) replaced();
      isWhole = false;
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
}
