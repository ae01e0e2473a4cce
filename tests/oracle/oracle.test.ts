import { test } from 'vitest';
import { checkByOracle } from './check.ts';

/** How long things go wrong; the whole test takes about half a minute more, on a slow machine longer. */
const SECONDS = Number(process.env.ORACLE_SECONDS ?? 25);

test(
  'every client at every timestamp it reports holds what SQL answers there',
  { timeout: SECONDS * 3_000 + 400_000 },
  () => checkByOracle(SECONDS),
);
