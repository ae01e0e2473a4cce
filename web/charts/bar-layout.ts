import { scaleLinear } from 'd3';
import { formatCompact, formatCount } from '../format.ts';
import type { Count, Kind, Leader } from '../leaders.ts';
import { directionOf, fitText, nameText } from '../name-text.ts';

/** Lengths in px. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The width in px of a text in a font of `fontSize` px. */
export type MeasureText = (text: string, fontSize: number) => number;

/** Where one bar and its labels stand; x runs from the start of all bars. */
export interface Bar {
  readonly key: string;
  readonly count: Count;
  readonly kind: Kind | null;
  /** The whole name, and what of it there is room for. */
  readonly name: string;
  readonly label: string;
  readonly direction: 'ltr' | 'rtl';
  readonly y: number;
  readonly width: number;
  /** Where the label's left end stands. */
  readonly labelX: number;
}

/** A vertical line at a round count. */
export interface Tick {
  readonly count: number;
  readonly text: string;
  readonly x: number;
}

/** A whole bar chart; all lengths in px. */
export interface BarLayout {
  readonly bars: readonly Bar[];
  readonly ticks: readonly Tick[];
  readonly fontSize: number;
  /** Left of the bars stand their ranks, above them the axis. */
  readonly left: number;
  readonly top: number;
  /** The distance between bars, and how thick one is. */
  readonly slot: number;
  readonly thickness: number;
  /** Between a bar's end and what stands beside it. */
  readonly gap: number;
}

/**
 * Lays the first `slots` leaders out; the slot after the last is below the fold. A bar's value always rides just outside its end; its name
 * stands inside the end where it fits, else after the value, else where there is more room, cut.
 */
export function layoutBars(
  leaders: readonly Leader[],
  slots: number,
  size: Size,
  measure: MeasureText,
): BarLayout {
  const shown = leaders.slice(0, slots);
  const frame = frameOf(slots, size);
  const { fontSize, gap, left, top, slot, thickness } = frame;
  const width = (text: string) => measure(text, fontSize);
  const valueWidths = shown.map(({ count }) => width(formatCount(count)));
  const room = Math.max(0, size.width - left);
  const longest = Math.max(0, room - gap - Math.max(0, ...valueWidths));
  const greatest = Math.max(1, ...shown.map(({ count }) => Number(count)));
  const x = scaleLinear([0, greatest], [0, longest]).clamp(true);
  const bars = shown.map((leader, rank): Bar => {
    const end = x(Number(leader.count));
    const outside = end + 2 * gap + (valueWidths[rank] ?? 0);
    const name = nameText(leader.name);
    const labelled = placeLabel(name, end, outside, room, gap, width);
    const y = top + rank * slot + (slot - thickness) / 2;
    const { key, count, kind } = leader;
    const direction = directionOf(name);
    return { key, count, kind, name, direction, y, width: end, ...labelled };
  });
  const ticks = ticksOf(x.ticks(tickCount(longest, fontSize)), x);
  return { ...frame, bars, ticks: shown.length === 0 ? [] : ticks };
}

type Frame = Omit<BarLayout, 'bars' | 'ticks'>;

function frameOf(slots: number, size: Size): Frame {
  const fontSize = Math.min(
    28,
    Math.max(11.5, Math.min(size.height / (2.8 * slots), size.width / 42)),
  );
  const top = fontSize * 1.6;
  const slot = Math.max(1, (size.height - top) / slots);
  return {
    fontSize,
    top,
    slot,
    thickness: slot * 0.78,
    left: fontSize * 2.6,
    gap: fontSize * 0.5,
  };
}

function placeLabel(
  name: string,
  end: number,
  outside: number,
  room: number,
  gap: number,
  width: (text: string) => number,
): Pick<Bar, 'label' | 'labelX'> {
  const roomInside = end - 2 * gap;
  const roomOutside = room - outside;
  const full = width(name);
  const inside = full <= roomInside || (full > roomOutside && roomInside >= roomOutside);
  const label = fitText(name, inside ? roomInside : roomOutside, width);
  return { label, labelX: inside ? end - gap - width(label) : outside };
}

function tickCount(width: number, fontSize: number): number {
  return Math.min(6, Math.floor(width / (fontSize * 6)));
}

function ticksOf(counts: readonly number[], x: (count: number) => number): Tick[] {
  return counts
    .filter((count) => count > 0 && Number.isInteger(count))
    .map((count) => ({ count, text: formatCompact(count), x: x(count) }));
}
