import { createServer } from 'node:net';

/** A port that another program listens on. */
export class PortInUseError extends Error {
  override readonly name = 'PortInUseError';
}

/**
 * Resolves to `port` when it can be listened on at `host`, for 0 to a free one. It is asked again
 * for `patienceMs`, as what a killed instance left behind needs a moment to end.
 *
 * A free port is chosen here and not by the process that listens: uWebSockets takes a port for
 * reuse only where it was given a number, so that a server that had been given 0 could not come
 * back to its port for a minute after a crash.
 *
 * @throws {PortInUseError} with the option that chooses another one.
 */
export async function choosePort(
  host: string,
  port: number,
  option: string,
  patienceMs = 2_500,
): Promise<number> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const { code, port: chosen } = await tryListen(host, port);
    if (code === null) return chosen;
    if (code !== 'EADDRINUSE') {
      throw new Error(
        `cannot listen on ${host} port ${port} (${code}): check --host and ${option}`,
      );
    }
    if (Date.now() >= deadline) {
      throw new PortInUseError(
        `port ${port} on ${host} is in use: stop the program that uses it, or choose another port with ${option} (0 takes a free one)`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

interface Tried {
  /** Why not; null when it could be listened on. */
  readonly code: string | null;
  readonly port: number;
}

function tryListen(host: string, port: number): Promise<Tried> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve({ code: error.code ?? error.message, port });
    });
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      const chosen = typeof address === 'object' && address !== null ? address.port : port;
      server.close(() => resolve({ code: null, port: chosen }));
    });
  });
}
