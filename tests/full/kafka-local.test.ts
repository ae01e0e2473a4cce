import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';
import { freePorts } from '../../scripts/kafka-local/ports.ts';
import { kafkaSkipped } from '../../scripts/kafka-local/tools.ts';
import { root, until } from '../viewcast.ts';

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

test.skipIf(kafkaSkipped !== null).each(['SIGTERM', 'SIGKILL'] as const)(
  `kafka:local leaves nothing running after %s (${kafkaSkipped ?? 'found'})`,
  async (signal) => {
    const folder = mkdtempSync(join(tmpdir(), 'viewcast-kafka-local-'));
    const ports = await freePorts(2);
    const args = ['--kafka-port', String(ports[0]), '--registry-port', String(ports[1])];
    const child = spawn(
      process.execPath,
      [join(root, 'scripts/kafka-local/main.ts'), ...args, '--data', folder],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    try {
      let said = '';
      child.stdout.on('data', (text) => {
        said += String(text);
      });
      await until('both run', async () => said.includes('Ctrl-C stops both'), 100_000);
      for (const port of ports) expect(await answers(port)).toBe(true);
      child.kill(signal);
      const quiet = async () => (await Promise.all(ports.map(answers))).every((up) => !up);
      await until('neither answers', quiet, 30_000);
    } finally {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    }
  },
);
