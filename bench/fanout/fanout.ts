import { measureEncodings } from './measure-encodings.ts';
import { measureFilters } from './measure-filters.ts';
import { measureMatrix } from './measure-matrix.ts';
import { measureMemory } from './measure-memory.ts';
import { measurePairs } from './measure-pairs.ts';
import { measureSlow } from './measure-slow.ts';
import { measureStorm } from './measure-storm.ts';
import { measureWrites } from './measure-writes.ts';
import { type Options, parseOptions, type Section } from './options.ts';
import type { Print } from './report.ts';

const RUN: Readonly<Record<Section, (print: Print, options: Options) => Promise<void>>> = {
  pairs: (print, { viewers, pairs }) =>
    measurePairs(
      print,
      viewers.filter((size) => size >= 1_000 && size <= 5_000),
      pairs,
    ),
  encodings: (print) => measureEncodings(print),
  writes: (print) => measureWrites(print),
  memory: (print, { many }) => measureMemory(print, many),
  slow: (print) => measureSlow(print),
  storm: (print, { many }) => measureStorm(print, many),
  filters: (print) => measureFilters(print),
  matrix: (print, { viewers, rounds }) => measureMatrix(print, viewers, rounds),
};

/**
 * Measures how cheaply batches reach many viewers, beside the limit and its peers, and prints it.
 * `args` as {@link parseOptions} reads them.
 *
 * @throws {OptionsError} for arguments that are none; an Error when a candidate fails or is wrong.
 */
export async function benchFanout(
  args: readonly string[] = [],
  print: Print = (line) => console.log(line),
): Promise<void> {
  const options = parseOptions(args);
  const startMs = performance.now();
  print('Fan-out: one server process on this machine, its viewers in another');
  for (const section of options.sections) await RUN[section](print, options);
  print(`\nFan-out took ${Math.round((performance.now() - startMs) / 1_000)} s`);
}
