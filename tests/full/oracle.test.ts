import { test } from 'vitest';
import { checkByOracle } from '../oracle/check.ts';

/** Long enough for history to be cut and for every pair of faults to meet. */
const SECONDS = Number(process.env.ORACLE_SECONDS ?? 400);

test(
  'every client holds what SQL answers, for as long as the history of views reaches',
  { timeout: SECONDS * 3_000 + 600_000 },
  () => checkByOracle(SECONDS),
);
