import { easeCubicOut, local, type Selection, select } from 'd3';
import { formatCount } from '../format.ts';
import type { Kind, Leader } from '../leaders.ts';
import type { Bar, BarLayout, MeasureText, Size, Tick } from './bar-layout.ts';
import { layoutBars } from './bar-layout.ts';
import { type Glide, glideFrom, glideTo } from './glide.ts';
import { type Motion, STILL } from './motion.ts';
import { mark, write } from './write.ts';

type Reach = { readonly width: number; readonly labelX: number; readonly count: number };
type Place = { readonly y: number; readonly opacity: number };

interface BarState {
  bar: Bar;
  layout: BarLayout;
  readonly reach: Glide<Reach>;
  readonly place: Glide<Place>;
}

type Part = Selection<SVGGElement, unknown, null, undefined>;

const stateOf = local<BarState>();
/** The frame that a bar's parts were last set in. */
const frameOf = local<string>();
/** Where a tick goes. */
const targetOf = local<string>();

/**
 * A bar chart of the first leaders, greatest on top. Given the node that an earlier call
 * returned as `previous` it changes that one: every bar is re-targeted from where it is now, a new
 * one comes from the slot below the fold and one that left goes there.
 *
 * @param slots for how many bars there is room
 */
export function barRace(
  leaders: readonly Leader[],
  slots: number,
  size: Size,
  measure: MeasureText,
  motion: Motion = STILL,
  previous: SVGSVGElement = emptyChart(),
): SVGSVGElement {
  const layout = layoutBars(leaders, slots, size, measure);
  const svg = select(previous);
  svg.attr('width', size.width).attr('height', size.height).attr('font-size', layout.fontSize);
  drawTicks(svg.select<SVGGElement>('.ticks'), layout, size, motion.reachMs);
  drawRanks(svg.select<SVGGElement>('.ranks'), layout);
  drawBars(svg.select<SVGGElement>('.bars'), layout, size, motion);
  return previous;
}

function emptyChart(): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const root = select(svg).attr('class', 'bar-race').attr('aria-hidden', 'true');
  for (const part of ['ticks', 'ranks', 'bars']) root.append('g').attr('class', part);
  return svg;
}

function drawRanks(part: Part, layout: BarLayout): void {
  part
    .selectAll('text')
    .data(layout.bars)
    .join((enter) => enter.append('text').attr('dy', '0.35em').attr('text-anchor', 'end'))
    .each(mark('x', () => layout.left - layout.fontSize))
    .each(mark('y', (bar) => bar.y + layout.thickness / 2))
    .each(write((_, rank) => String(rank + 1)));
}

function drawTicks(part: Part, layout: BarLayout, size: Size, ms: number): void {
  const at = (tick: Tick) => moved(layout.left + tick.x, 0);
  const ticks = part
    .selectAll<SVGGElement, Tick>('g')
    .data(layout.ticks, (tick) => tick.count)
    .join((enter) => {
      const entered = enter.append('g').attr('transform', at);
      entered.append('line');
      entered.append('text').attr('text-anchor', 'middle');
      return entered;
    });
  ticks
    .select('line')
    .each(mark('y1', () => layout.top))
    .each(mark('y2', () => size.height));
  ticks
    .select('text')
    .each(mark('y', () => layout.top - layout.gap))
    .each(write((tick) => tick.text));
  const others = ticks.filter(function (tick) {
    const isThere = targetOf.get(this) === at(tick);
    targetOf.set(this, at(tick));
    return !isThere;
  });
  if (ms === 0) ticks.interrupt().attr('transform', at);
  else others.transition().duration(ms).ease(easeCubicOut).attr('transform', at);
}

function drawBars(part: Part, layout: BarLayout, size: Size, motion: Motion): void {
  const below: Place = { y: size.height, opacity: 0 };
  const joined = part.selectAll<SVGGElement, Bar>('g.bar').data(layout.bars, (bar) => bar.key);
  const entered = joined.enter().append('g');
  entered.each(function (bar) {
    build(this, bar, layout, below);
  });
  entered.merge(joined).each(function (bar) {
    const state = stateOf.get(this);
    if (state === undefined) return;
    const climbs = bar.y < state.bar.y;
    Object.assign(state, { bar, layout });
    if (climbs) select(this).raise();
    dress(this, bar, layout);
    glideTo(this, state.reach, reachOf(bar), motion.reachMs);
    glideTo(this, state.place, { y: bar.y, opacity: 1 }, motion.placeMs);
  });
  joined.exit().each(function () {
    const node = this as SVGGElement;
    const place = stateOf.get(node)?.place;
    if (place !== undefined) glideTo(node, place, below, motion.placeMs, () => node.remove());
  });
}

/** A move by less than this much of a pixel is work that nobody sees. */
const STEPS_A_PIXEL = 4;

function px(length: number): number {
  return Math.round(length * STEPS_A_PIXEL) / STEPS_A_PIXEL;
}

function moved(x: number, y: number): string {
  return `translate(${px(x)},${px(y)})`;
}

function reachOf(bar: Bar): Reach {
  return { width: bar.width, labelX: bar.labelX, count: Number(bar.count) };
}

/** Fills the group of a bar that enters: at its full length, in the slot below the fold. */
function build(node: SVGGElement, bar: Bar, layout: BarLayout, below: Place): void {
  const group = select(node).attr('class', `bar ${bar.kind ?? 'any'}`);
  const rect = group.append('rect');
  if (bar.kind !== null) group.append('path').attr('class', 'mark');
  // Groups are moved and not texts, which the browser would lay out anew.
  const valueAt = group.append('g');
  const value = valueAt.append('text').attr('class', 'value');
  const nameAt = group.append('g');
  nameAt.append('text').attr('class', 'name');
  group.append('title').text(bar.name);
  const showReach = ({ width, labelX, count }: Reach) => {
    const now = stateOf.get(node) ?? { bar, layout };
    const arrived = count === Number(now.bar.count);
    rect.each(mark('width', () => px(width)));
    valueAt.each(mark('transform', () => moved(now.layout.left + width + now.layout.gap, 0)));
    value.each(write(() => formatCount(arrived ? now.bar.count : Math.round(count))));
    nameAt.each(mark('transform', () => moved(now.layout.left + labelX, 0)));
  };
  const showPlace = ({ y, opacity }: Place) => {
    group.each(mark('transform', () => moved(0, y))).each(mark('opacity', () => opacity));
  };
  stateOf.set(node, {
    bar,
    layout,
    reach: glideFrom('reach', reachOf(bar), showReach),
    place: glideFrom('place', below, showPlace),
  });
}

/** A shape for each kind, for those who see the colours alike; about as large as a circle of r. */
const MARKS: Readonly<Record<Kind, (r: number) => string>> = {
  person: (r) => `M${-r},0a${r},${r} 0 1,1 ${2 * r},0a${r},${r} 0 1,1 ${-2 * r},0Z`,
  bot: (r) => `M${-r * 0.9},${-r * 0.9}h${r * 1.8}v${r * 1.8}h${-r * 1.8}Z`,
  anonymous: (r) => `M0,${-r * 1.25}L${r * 1.25},0L0,${r * 1.25}L${-r * 1.25},0Z`,
};

/** Sets what never glides, where it has changed. */
function dress(node: SVGGElement, bar: Bar, layout: BarLayout): void {
  const group = select<SVGGElement, unknown>(node);
  const name = group.select('.name');
  // In a text from right to left the left end is where it ends.
  name
    .each(mark('direction', () => bar.direction))
    .each(mark('text-anchor', () => (bar.direction === 'rtl' ? 'end' : 'start')))
    .each(write(() => bar.label));
  const { left, thickness, fontSize, gap } = layout;
  const frame = [left, thickness, fontSize, gap].join(' ');
  if (frameOf.get(node) === frame) return;
  frameOf.set(node, frame);
  group
    .select('rect')
    .attr('x', layout.left)
    .attr('height', layout.thickness)
    .attr('rx', layout.thickness / 8);
  const radius = layout.fontSize * 0.32;
  group
    .select('.mark')
    .attr('transform', `translate(${layout.left - layout.gap},${layout.thickness / 2})`)
    .attr('d', bar.kind === null ? null : MARKS[bar.kind](radius));
  group
    .selectAll('text')
    .attr('y', layout.thickness / 2)
    .attr('dy', '0.35em');
}
