import { listen, makeApp } from '../../../server/uws.ts';
import { messageText } from '../workload.ts';
import { BatchNumbers, type Candidate } from './candidate.ts';

const TOPIC = 'batches';

/**
 * The limit: uWebSockets' own publish, with the socket settings of viewcast and nothing around it.
 * It stringifies and publishes the same bytes.
 */
export function startBare(): Candidate {
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
    access: { protocol: 'websocket', port, path: '/', greeting: 0, snapshot: false },
    publish: (batches) => {
      for (const n of numbers.next(batches)) app.publish(TOPIC, messageText(n), false, false);
    },
    close: () => app.close(),
  };
}
