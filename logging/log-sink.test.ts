import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import process from 'node:process';
import { expect, test } from 'vitest';

const sink = JSON.stringify(new URL('log-sink.ts', import.meta.url).href);
const program = `
import { logSink } from ${sink};
for (let line = 0; line < 1_000; line++) logSink.write('a line\\n');
process.stdout.write('went on');
`;

/** What a process says that logs a thousand lines to this descriptor, and what it logged. */
function run(stderr: number | 'pipe') {
  const { stdout, stderr: log } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', program],
    { stdio: ['ignore', 'pipe', stderr], encoding: 'utf8' },
  );
  return { stdout, log };
}

test('every line is written at once, in order', () => {
  const { stdout, log } = run('pipe');
  expect(stdout).toBe('went on');
  expect(log).toContain('a line\n'.repeat(1_000));
});

const noFullDisk = !existsSync('/dev/full') && process.env.REQUIRE_ALL !== '1';

test.skipIf(noFullDisk)('a full disk stops nobody (needs /dev/full)', () => {
  const full = openSync('/dev/full', 'w');
  try {
    expect(run(full).stdout).toBe('went on');
  } finally {
    closeSync(full);
  }
});
