import { createServer } from 'node:net';

/** A port that another program listens on. */
export class PortInUseError extends Error {
  override readonly name = 'PortInUseError';
}

/**
 * Resolves when `port` on `host` can be listened on. It is asked again for `patienceMs`, as what a
 * killed instance left behind needs a moment to end.
 *
 * @throws {PortInUseError} with the option that chooses another one.
 */
export async function checkPort(
  host: string,
  port: number,
  option: string,
  patienceMs = 2_500,
): Promise<void> {
  if (port === 0) return;
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const code = await tryListen(host, port);
    if (code === null) return;
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

function tryListen(host: string, port: number): Promise<string | null> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
