import { createServer, type ServerResponse } from 'node:http';
import { messageText } from '../workload.ts';
import { BatchNumbers, type Candidate } from './candidate.ts';
import { listenOnFreePort } from './free-port.ts';

/** Server-sent events by Node's own http: one `res.write` for each client and message. */
export async function startEvents(): Promise<Candidate> {
  const responses = new Set<ServerResponse>();
  const server = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.flushHeaders();
    response.on('close', () => responses.delete(response));
    responses.add(response);
  });
  const port = await listenOnFreePort(server);
  const numbers = new BatchNumbers();
  return {
    access: { protocol: 'events', port, path: '/', greeting: 0, check: 'single', merges: false },
    publish: (batches) => {
      for (const n of numbers.next(batches)) {
        const text = `data: ${messageText(n)}\n\n`;
        for (const response of responses) response.write(text);
      }
    },
    close: () => server.close(),
  };
}
