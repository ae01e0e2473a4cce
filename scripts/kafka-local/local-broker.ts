import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { archiveClasses, type JavaOptions, JavaProcess } from './java-process.ts';
import { freePorts } from './ports.ts';
import { kafkaLibraries, once } from './tools.ts';

const run = promisify(execFile);
const classPath = join(kafkaLibraries, '*');
const kafkaFolder = dirname(kafkaLibraries);
/** Formatted once and copied: formatting costs as much as starting. */
const formatted = join(kafkaFolder, 'formatted');
const clusterId = 'viewcast-kafka-local--';

interface Ports {
  readonly broker: number;
  readonly controller: number;
}

/** One node that is broker and controller, with as little of everything as one machine needs. */
function properties(folder: string, ports: Ports): string {
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: `PLAINTEXT://127.0.0.1:${ports.broker},CONTROLLER://127.0.0.1:${ports.controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.broker}`,
    'log.dirs': join(folder, 'log'),
    'auto.create.topics.enable': false,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 4,
    'group.initial.rebalance.delay.ms': 0,
    // After a kill -9 the node cannot come back before its session has ended.
    'broker.session.timeout.ms': 3_000,
    'broker.heartbeat.interval.ms': 500,
    'num.network.threads': 2,
    'num.io.threads': 2,
    'log.cleaner.dedupe.buffer.size': 8 * 2 ** 20,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

async function configure(folder: string, ports: Ports): Promise<string> {
  const file = join(folder, 'server.properties');
  await mkdir(folder, { recursive: true });
  await writeFile(file, properties(folder, ports));
  return file;
}

async function format(empty: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'viewcast-kafka-format-'));
  try {
    const file = await configure(work, { broker: 9092, controller: 9093 });
    const command = ['-cp', classPath, 'kafka.tools.StorageTool', 'format'];
    await run('java', [...command, '-t', clusterId, '-c', file]);
    await cp(join(work, 'log'), empty, { recursive: true });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function isUp(port: number): Promise<boolean> {
  const admin = new Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  }).admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length === 1;
  } finally {
    await admin.disconnect();
  }
}

/** A Kafka broker of this machine. Its data outlive a kill and a stop. */
export class LocalBroker {
  readonly port: number;
  readonly #java: JavaOptions;
  #process: JavaProcess | null = null;

  private constructor(port: number, java: JavaOptions) {
    this.port = port;
    this.#java = java;
  }

  /** Starts a broker on `folder`, new or used before. The port is `port`, or a free one. */
  static async open(folder: string, port: number | null): Promise<LocalBroker> {
    await once(formatted, format);
    const [broker = 0, controller = 0] = await freePorts(2);
    const ports = { broker: port ?? broker, controller };
    const file = await configure(folder, ports);
    if (!existsSync(join(folder, 'log'))) {
      await cp(formatted, join(folder, 'log'), { recursive: true });
    }
    const local = new LocalBroker(ports.broker, {
      name: 'Kafka',
      args: ['-cp', classPath, 'kafka.Kafka', file],
      heapMb: 320,
      cwd: folder,
      logFile: join(folder, 'broker.log'),
      archive: join(kafkaFolder, 'classes.jsa'),
    });
    await local.start();
    return local;
  }

  /** For clients: host and port. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Starts again after a kill or a stop; resolves when it answers. */
  async start(): Promise<void> {
    if (this.#process?.running) return;
    const up = () => isUp(this.port);
    await archiveClasses(this.#java, up);
    this.#process = await JavaProcess.start(this.#java, up);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }
}
