import { Heartbeat } from '../../../server/socket/heartbeat.ts';
import { listen, makeApp, type WebSocket } from '../../../server/uws.ts';
import { mergedText, messageText } from '../workload.ts';
import { type Access, BatchNumbers, type Candidate } from './candidate.ts';

const TOPIC = 'batches';
/** Viewcast's streams ping so often. */
const PING_SECONDS = 15;

/** The limit of streams: stringifies and publishes the same bytes, and pings as often. */
export function startBare(): Candidate {
  return serve({ check: 'single', merges: false }, (numbers) => numbers.map(messageText));
}

/** The limit of `ws /api/v1`: a tick's batches are one message there. */
export function startBareMerged(): Candidate {
  return serve({ check: 'session', merges: true }, merged);
}

/**
 * The same for viewers that acknowledge as those of `ws /api/v1` do, which it ignores. Linux lets
 * a socket that has sent something acknowledge segments in another way, and over loopback that is
 * the sender's CPU: so this compares servers, and the other what acknowledging costs as well.
 */
export function startBareAcknowledged(): Candidate {
  return serve({ check: 'session', merges: true, acknowledges: true }, merged);
}

const merged = (numbers: readonly number[]): readonly string[] => [
  mergedText(numbers[0] ?? 0, numbers.at(-1) ?? 0),
];

/** uWebSockets' own publish, with the socket settings of viewcast. */
function serve(
  how: Pick<Access, 'check' | 'merges' | 'acknowledges'>,
  textsOf: (numbers: readonly number[]) => readonly string[],
): Candidate {
  const app = makeApp();
  const heartbeat = new Heartbeat<WebSocket<object>>(PING_SECONDS, (socket) => socket.ping());
  app.ws<object>('/*', {
    idleTimeout: 60,
    maxBackpressure: 1024 * 1024,
    closeOnBackpressureLimit: true,
    open: (socket) => {
      heartbeat.add(socket);
      socket.subscribe(TOPIC);
    },
    close: (socket) => heartbeat.remove(socket),
  });
  const { port } = listen(app, '127.0.0.1', 0);
  const timer = setInterval(() => heartbeat.beat(), 1_000);
  const numbers = new BatchNumbers();
  return {
    access: { protocol: 'websocket', port, path: '/', greeting: 0, ...how },
    publish: (batches) => {
      for (const text of textsOf(numbers.next(batches))) app.publish(TOPIC, text, false, false);
    },
    close: () => {
      clearInterval(timer);
      app.close();
    },
  };
}
