import type { Open } from './web-socket.ts';
export const openStreams: Open = (_url, listener) => {
  queueMicrotask(() => listener.closed(1006, ''));
  return { send() {}, close() {} };
};
