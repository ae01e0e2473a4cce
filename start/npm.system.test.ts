import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { root, temporaryFolder, until } from '../tests/viewcast.ts';

test.skipIf(process.platform === 'win32')(
  'npm stopped by a signal leaves nothing running',
  async () => {
    const folder = temporaryFolder();
    const npm = spawn(
      'npm',
      ['start', '--', '--generate', '1', '--port', '0', '--sql-port', '0', '--data', folder.path],
      { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], detached: true },
    );
    let output = '';
    npm.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    // Whoever still runs holds the other end of the pipe.
    const closed = once(npm, 'close');
    try {
      await until('it runs', () => output.includes('viewcast is running'), 60_000);
      npm.kill('SIGTERM');
      await closed;
      expect(output).not.toContain('Error');
    } finally {
      killGroup(npm.pid ?? 0);
      folder.remove();
    }
  },
);

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // All of it is gone.
  }
}
