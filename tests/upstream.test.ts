import { test } from 'vitest';
import { EngineProcess } from '../server/upstream/engine-process.ts';
import { testUpstream } from './upstream-suite.ts';

const given = process.env.VIEWCAST_TEST_UPSTREAM;

testUpstream('the engine as the newer line', () => EngineProcess.start(), 'subscribe');
testUpstream(
  'the engine as the older line',
  () => EngineProcess.start({ VIEWCAST_DIALECT: 'tail' }),
  'tail',
);

if (given) {
  testUpstream('VIEWCAST_TEST_UPSTREAM', async () => ({ url: given, stop: async () => {} }), null);
} else {
  test.skip('a real Materialize (skipped: VIEWCAST_TEST_UPSTREAM names none)', () => {});
}
