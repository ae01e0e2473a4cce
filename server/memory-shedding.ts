import { CLOSE } from '../protocol/close.ts';
import { retryMsOf } from './admission-line.ts';
import type { Behind } from './channel/member.ts';
import { type Clock, machineClock } from './clock.ts';
import { memoryLimits, readMemory, shareUsed } from './memory-limit.ts';
import { type MemoryLevel, watchMemory } from './memory-pressure.ts';

/** How memory is watched; `memoryOf` makes it of a configuration. */
export interface MemoryOptions {
  /** The share of the limit that is used: 1 when all is. */
  readonly used: () => number;
  readonly clock: Clock;
  /** Told of each change of the level. */
  readonly report: (level: MemoryLevel, used: number) => void;
}

/** What can be given up. */
export interface Sheddable {
  /** New snapshots are refused while shut. */
  readonly shut?: (isShut: boolean) => void;
  /** The share of their usual limits that the views' histories may have. */
  readonly limitHistory?: ((share: number) => void) | undefined;
  readonly laggards?: () => readonly Behind[];
  readonly random?: () => number;
  /** Told of each change of the level, for the metrics. */
  readonly changed?: (level: MemoryLevel) => void;
}

/** What histories keep of their limits under pressure. */
const HISTORY_SHARE = 1 / 8;
/** Of all laggards this share is closed at each reading, one at least: it may help already. */
const LAGGARD_SHARE = 1 / 10;

const MEANING: Readonly<Record<MemoryLevel, string>> = {
  0: 'memory suffices again: everybody is let in',
  1: 'memory is short: new snapshots are refused',
  2: 'memory is short: new snapshots are refused, histories are kept short',
  3: 'memory is short: new snapshots are refused, histories are kept short, laggards are closed',
};

/** Gives up and takes back what memory asks for, until the returned function is called. */
export function shedUnderPressure(
  options: MemoryOptions | null | undefined,
  sheddable: Sheddable,
): () => void {
  if (options === null || options === undefined) return () => {};
  const { random = Math.random } = sheddable;
  let last: MemoryLevel = 0;
  return watchMemory({
    used: options.used,
    clock: options.clock,
    changed: (level, used) => {
      if (level >= 1 !== last >= 1) sheddable.shut?.(level >= 1);
      if (level >= 2 !== last >= 2) sheddable.limitHistory?.(level >= 2 ? HISTORY_SHARE : 1);
      last = level;
      sheddable.changed?.(level);
      options.report(level, used);
    },
    pressed: () => {
      const behind = [...(sheddable.laggards?.() ?? [])].sort((a, b) => b.bytes - a.bytes);
      const many = Math.ceil(behind.length * LAGGARD_SHARE);
      for (const { close } of behind.slice(0, many)) {
        close({ ...CLOSE.overloaded, retryMs: retryMsOf(random) });
      }
    },
  });
}

/** Where changes of the level are told. */
interface MemoryLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

/** This thread's memory against its limits; null where VIEWCAST_MEMORY_MB is 0: nothing is shed. */
export function memoryOf(
  { memoryMb }: { readonly memoryMb: number | null },
  log: MemoryLog,
): MemoryOptions | null {
  if (memoryMb === 0) return null;
  const limits = memoryLimits(memoryMb);
  return {
    used: () => shareUsed(readMemory(), limits),
    clock: machineClock,
    report: (level, used) => {
      // `level` is the log line's own.
      const details = { pressure: level, usedPercent: Math.round(used * 100), limits };
      if (level === 0) log.info(details, MEANING[level]);
      else log.warn(details, MEANING[level]);
    },
  };
}
