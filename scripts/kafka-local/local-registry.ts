import { mkdir } from 'node:fs/promises';
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { join } from 'node:path';
import { archiveClasses, type JavaOptions, JavaProcess } from './java-process.ts';
import { freePorts } from './ports.ts';
import { registryFolder } from './tools.ts';

/** Where Apicurio serves Confluent's API. Clients such as Materialize's drop a base path. */
const base = '/apis/ccompat/v7';

function programOf(folder: string, port: number): JavaOptions {
  return {
    name: 'the registry',
    args: [
      '-Dquarkus.http.host=127.0.0.1',
      `-Dquarkus.http.port=${port}`,
      `-Dquarkus.datasource.jdbc.url=jdbc:h2:file:${join(folder, 'registry')};DB_CLOSE_ON_EXIT=FALSE`,
      '-Dquarkus.datasource.jdbc.min-size=1',
      '-Dquarkus.datasource.jdbc.initial-size=1',
      '-Dquarkus.datasource.jdbc.max-size=8',
      '-Dregistry.ccompat.use-canonical-hash=true',
      '-jar',
      join(registryFolder, 'apicurio-registry-app-2.6.13.Final-runner.jar'),
    ],
    heapMb: 256,
    cwd: folder,
    logFile: join(folder, 'registry.log'),
    archive: join(registryFolder, 'classes.jsa'),
  };
}

/** Passes a request on to Apicurio; what Apicurio cannot answer is a 502. */
function forward(incoming: IncomingMessage, outgoing: ServerResponse, port: number): void {
  const { method, url, headers } = incoming;
  const onward = request(
    { host: '127.0.0.1', port, method, path: `${base}${url ?? '/'}`, headers },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  onward.on('error', (error) => {
    if (!outgoing.headersSent) outgoing.writeHead(502);
    outgoing.end(`${error.message}\n`);
  });
  incoming.pipe(onward);
}

/** A schema registry of this machine, as Confluent's: at `/`, compatibility BACKWARD. */
export class LocalRegistry {
  readonly port: number;
  readonly #inner: number;
  readonly #java: JavaOptions;
  #process: JavaProcess | null = null;
  #front: Server | null = null;

  private constructor(port: number, inner: number, java: JavaOptions) {
    this.port = port;
    this.#inner = inner;
    this.#java = java;
  }

  /** Starts a registry on `folder`, new or used before. */
  static async open(folder: string, port: number | null): Promise<LocalRegistry> {
    await mkdir(folder, { recursive: true });
    const [inner = 0, free = 0] = await freePorts(2);
    const local = new LocalRegistry(port ?? free, inner, programOf(folder, inner));
    await local.start();
    return local;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts again with all its schemas under the same ids; resolves when it answers. */
  async start(): Promise<void> {
    if (this.#front !== null) return;
    const inner = `http://127.0.0.1:${this.#inner}${base}`;
    const isUp = async () => (await fetch(`${inner}/subjects`)).ok;
    await archiveClasses(this.#java, isUp);
    this.#process = await JavaProcess.start(this.#java, isUp);
    await fetch(`${inner}/config`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{"compatibility": "BACKWARD"}',
    });
    const front = createServer((incoming, outgoing) => forward(incoming, outgoing, this.#inner));
    await new Promise<void>((resolve, reject) => {
      front.once('error', reject);
      front.listen(this.port, '127.0.0.1', resolve);
    });
    this.#front = front;
  }

  /** Nobody answers on its port until it is started again. */
  async stop(): Promise<void> {
    const front = this.#front;
    this.#front = null;
    front?.closeAllConnections();
    await new Promise<unknown>((resolve) =>
      front === null ? resolve(null) : front.close(resolve),
    );
    await this.#process?.stop();
  }
}
