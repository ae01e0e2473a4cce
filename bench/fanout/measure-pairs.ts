import { comparePairs, type Pairs } from './pairs.ts';
import { figure, type Print, printTable, verdict } from './report.ts';
import type { Interval } from './statistics.ts';

/** Target of viewcast's cost, as a ratio to bare uWebSockets. */
const TARGET = 1.05;

/** Viewers of a session acknowledge; those of the bare server do not, or do as well. */
const COMPARISONS = [
  ['session to silent', 'uWebSockets publish, merged', 'viewcast'],
  ['session to same', 'uWebSockets publish, merged, acknowledged', 'viewcast'],
  ['stream', 'uWebSockets publish', 'viewcast stream'],
] as const;

/**
 * Viewcast against bare uWebSockets that publishes the same bytes, in one process; the bare server
 * twice, as a control. The target is met when the interval reaches it.
 */
export async function measurePairs(
  print: Print,
  sizes: readonly number[],
  pairs: number,
): Promise<void> {
  print(`\nViewcast to bare uWebSockets, the same bytes, ${pairs} A/B pairs in one process`);
  print('(median and the 90 % interval of the median; A/A: two equal bare servers)');
  print('(viewers of sessions acknowledge; those of the bare server are silent, or do the same)');
  for (const viewers of sizes) {
    for (const [what, bareName, name] of COMPARISONS) {
      const results = await comparePairs(bareName, name, viewers, [1, 16], pairs);
      const head = [`${what}, ${viewers} viewers`, 'bare s/M', 'A/B', '90 %', 'A/A', '90 %', ''];
      printTable(print, head, results.map(rowOf));
    }
  }
}

function rowOf(result: Pairs): readonly string[] {
  const { batches, bare, ratio, interval, control, controlInterval } = result;
  return [
    `  ${batches} a tick`,
    figure(bare),
    figure(ratio, 3),
    span(interval),
    figure(control, 3),
    span(controlInterval),
    verdict(interval.low <= TARGET, `at most ${TARGET}`),
  ];
}

const span = ({ low, high }: Interval): string => `${figure(low, 3)}–${figure(high, 3)}`;
