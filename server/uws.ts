/**
 * The one place that names uWebSockets.js. The npm repack has ESM named exports, the official
 * package is CommonJS: the namespace import takes both shapes.
 */
import * as namespace from 'uWebSockets.js';

export type {
  HttpRequest,
  HttpResponse,
  TemplatedApp,
  us_listen_socket as ListenSocket,
  us_socket_context_t as SocketContext,
  WebSocket,
  WebSocketBehavior,
} from 'uWebSockets.js';

type Library = Pick<typeof namespace, 'App' | 'us_listen_socket_close' | 'us_socket_local_port'> & {
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number;
};

const shapes = namespace as unknown as Library & { readonly default?: Library };
const library: Library = shapes.default ?? shapes;

/** Makes an application: routes are added to it, then {@link listen} opens its port. */
export const makeApp = (): namespace.TemplatedApp => library.App();

/** The port could not be opened: somebody has it, or the address is not this machine's. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** An open port. */
export interface Listening {
  /** The port in use, also when 0 was asked for. */
  readonly port: number;
  /** Takes no new connections; those that are open stay. May be called more than once. */
  stop(): void;
}

/**
 * Opens `host:port` for this application alone (0 picks a free port), or together with the others of
 * this process: the system then spreads connections over all that listen.
 *
 * @throws {ListenError} when the port is taken or the host is not an address of this machine.
 */
export function listen(
  app: namespace.TemplatedApp,
  host: string,
  port: number,
  whose: 'own' | 'shared' = 'own',
): Listening {
  let socket: namespace.us_listen_socket | false = false;
  // The typings lack the form with host, port and options together; the library has it.
  const open = app.listen.bind(app) as unknown as (...args: readonly unknown[]) => void;
  open(
    host,
    port,
    whose === 'own' ? library.LIBUS_LISTEN_EXCLUSIVE_PORT : 0,
    (opened: namespace.us_listen_socket | false) => {
      socket = opened;
    },
  );
  const opened = socket as namespace.us_listen_socket | false;
  if (opened === false) {
    throw new ListenError(
      `cannot listen on ${host}:${port}: another program has the port, or ${host} is no address ` +
        'of this machine; end that program or choose another port (VIEWCAST_PORT)',
    );
  }
  let listening = true;
  return {
    port: library.us_socket_local_port(opened as unknown as namespace.us_socket),
    stop: () => {
      if (listening) library.us_listen_socket_close(opened);
      listening = false;
    },
  };
}
