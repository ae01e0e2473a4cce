import { parseArgs } from 'node:util';

/** The parts of the fan-out bench, in the order in which they run. */
export const SECTIONS = [
  'pairs',
  'encodings',
  'writes',
  'memory',
  'slow',
  'storm',
  'filters',
  'matrix',
] as const;

export type Section = (typeof SECTIONS)[number];

export interface Options {
  readonly sections: readonly Section[];
  /** Numbers of viewers in the matrix. */
  readonly viewers: readonly number[];
  readonly rounds: number;
  readonly pairs: number;
  /** Viewers of the memory and storm runs. */
  readonly many: number;
}

/** Arguments that cannot be understood; the message says what is. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError';
}

const DEFAULTS = { viewers: [100, 1_000, 5_000, 10_000], rounds: 3, pairs: 60, many: 10_000 };
const QUICK = { viewers: [100, 1_000], rounds: 2, pairs: 30, many: 2_000 };

/**
 * Reads `[section…] [--quick] [--viewers 100,1000] [--rounds 3] [--pairs 40]`.
 *
 * @throws {OptionsError}
 */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args);
  const base = values.quick === true ? QUICK : DEFAULTS;
  const sections = positionals.map(section);
  return {
    sections: sections.length > 0 ? sections : SECTIONS,
    viewers: values.viewers?.split(',').map((text) => whole('--viewers', text)) ?? base.viewers,
    rounds: values.rounds === undefined ? base.rounds : whole('--rounds', values.rounds),
    pairs: values.pairs === undefined ? base.pairs : whole('--pairs', values.pairs),
    many: base.many,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: 'boolean' },
        viewers: { type: 'string' },
        rounds: { type: 'string' },
        pairs: { type: 'string' },
      },
    });
  } catch (error) {
    throw new OptionsError(error instanceof Error ? error.message : String(error));
  }
}

function section(name: string): Section {
  const found = SECTIONS.find((known) => known === name);
  if (found !== undefined) return found;
  throw new OptionsError(`the fan-out bench has ${SECTIONS.join(', ')}; it has no ${name}`);
}

function whole(option: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new OptionsError(`${option} takes whole numbers above 0, got ${text}`);
}
