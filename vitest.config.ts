import { defineConfig } from 'vitest/config';

// Layers: `unit` needs nothing but Node, `system` starts real processes and
// browsers, `full` holds soaks, real deadlines and whatever takes most of a minute alone.
// `containers` is what only a container engine can run.
// What takes more runs (tests/runs.ts) is also in `full`, with ten times as many.
const DEEP = [
  'client/model.test.ts',
  'embedded/kill.system.test.ts',
  'server/admission.test.ts',
  'server/channel/batch-channel.test.ts',
  'server/channel/stream-channel.test.ts',
  'server/submit/submit.test.ts',
  'server/upstream/recorded.test.ts',
  'server/workers/mirror.test.ts',
  'stream-ingest/ingest.test.ts',
];
const LONG = [
  'tests/full/**/*.test.ts',
  'tests/oracle/*.test.ts',
  'tests/restarts.test.ts',
  'tests/stopping.test.ts',
  'tests/unreachable.test.ts',
  'tests/faults/processes.test.ts',
  'conformance/*.system.test.ts',
  'embedded/core-fuzz.system.test.ts',
  'stream-ingest/main.system.test.ts',
];

export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', 'tests/**', '**/*.system.test.ts'],
          testTimeout: 60_000,
          maxWorkers: 2,
          // Modules are loaded once for all files, which takes half the time: no file may leave
          // anything behind in them.
          isolate: false,
        },
      },
      {
        test: {
          name: 'system',
          include: ['**/*.system.test.ts', 'tests/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', 'tests/containers/**', ...LONG],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Two files at a time: each has ports, folders and processes of its own.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'full',
          include: [...LONG, ...DEEP],
          env: { RUNS: '10' },
          testTimeout: 600_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'containers',
          include: ['tests/containers/*.test.ts'],
          testTimeout: 300_000,
          // Images are fetched first.
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
