import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { choosePort } from '../start/ports.ts';
import { root } from './viewcast.ts';

const NGINX = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
  .map((folder) => join(folder, 'nginx'))
  .find((path) => existsSync(path));

/** Why tests with nginx are skipped; '' where they run. With REQUIRE_ALL=1 they fail instead. */
export const whyNoNginx =
  NGINX === undefined && process.env.REQUIRE_ALL !== '1' ? 'skipped: no nginx here' : '';

/** The project's nginx.conf in a real nginx, on a free port of 127.0.0.1, for tests. */
export class NginxProcess {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly port: number;

  private constructor(folder: string, child: ChildProcess, port: number) {
    this.#folder = folder;
    this.#child = child;
    this.port = port;
  }

  /**
   * Starts it in front of a server on `inner`, another port.
   *
   * @throws when nginx refuses the configuration.
   */
  static async start(inner: number): Promise<NginxProcess> {
    if (NGINX === undefined) throw new Error('no nginx here: install nginx-light');
    const folder = mkdtempSync(join(tmpdir(), 'viewcast-nginx-'));
    const port = await choosePort('127.0.0.1', 0, '');
    const conf = readFileSync(join(root, 'deploy/nginx.conf'), 'utf8')
      .replace('server server:8875;', `server 127.0.0.1:${inner};`)
      .replace('listen 8080;', `listen 127.0.0.1:${port};`);
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, around(conf));
    const options = ['-p', folder, '-c', file, '-e', 'stderr'];
    execFileSync(NGINX, ['-t', '-q', ...options], { stdio: ['ignore', 'ignore', 'inherit'] });
    const child = spawn(NGINX, options, { stdio: ['ignore', 'ignore', 'inherit'] });
    const nginx = new NginxProcess(folder, child, port);
    await nginx.#answers();
    return nginx;
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #answers(): Promise<void> {
    for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
      const socket = connect(this.port, '127.0.0.1');
      const isOpen = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      });
      socket.destroy();
      if (isOpen) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('nginx does not listen');
  }
}

/** What the image of nginx has around a file of conf.d, within a folder of the test's own. */
function around(conf: string): string {
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
pid nginx.pid;
worker_processes 1;
events {}
http {
  access_log off;
  ${folders.map((name) => `${name}_temp_path ${name};`).join('\n  ')}
${conf}
}
`;
}
