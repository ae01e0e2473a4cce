import { defineConfig } from 'vitest/config';

// Three layers: `unit` needs nothing but Node, `system` starts real processes and
// browsers, `full` holds soaks, real deadlines and whatever takes most of a minute alone.
const LONG = ['tests/full/**/*.test.ts', 'tests/oracle/*.test.ts', 'conformance/*.system.test.ts'];

export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', 'tests/**', '**/*.system.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'system',
          include: ['**/*.system.test.ts', 'tests/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', ...LONG],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'full',
          include: LONG,
          testTimeout: 600_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
