import { listen, makeApp } from '../../../server/uws.ts';
import { mergedText, messageText } from '../workload.ts';
import { type Access, BatchNumbers, type Candidate } from './candidate.ts';

const TOPIC = 'batches';

/** The limit of streams: stringifies and publishes the same bytes, and nothing else. */
export function startBare(): Candidate {
  return serve({ check: 'single', merges: false }, (numbers) => numbers.map(messageText));
}

/** The limit of `ws /api/v1`: a tick's batches are one message there. */
export function startBareMerged(): Candidate {
  return serve({ check: 'session', merges: true }, (numbers) => [
    mergedText(numbers[0] ?? 0, numbers.at(-1) ?? 0),
  ]);
}

/** uWebSockets' own publish, with the socket settings of viewcast. */
function serve(
  how: Pick<Access, 'check' | 'merges'>,
  textsOf: (numbers: readonly number[]) => readonly string[],
): Candidate {
  const app = makeApp();
  app.ws('/*', {
    idleTimeout: 60,
    maxBackpressure: 1024 * 1024,
    closeOnBackpressureLimit: true,
    open: (socket) => {
      socket.subscribe(TOPIC);
    },
  });
  const { port } = listen(app, '127.0.0.1', 0);
  const numbers = new BatchNumbers();
  return {
    access: { protocol: 'websocket', port, path: '/', greeting: 0, ...how },
    publish: (batches) => {
      for (const text of textsOf(numbers.next(batches))) app.publish(TOPIC, text, false, false);
    },
    close: () => app.close(),
  };
}
