import { formatClock, formatCompact, formatDay } from '../format.ts';
import type { Point } from '../rendering.ts';
import type { Size } from './bar-layout.ts';

const SVG = 'http://www.w3.org/2000/svg';
const PAD = 24;

/**
 * The course of a value over time, from 0 up, with the greatest value and both ends of the time
 * told. Given the node that an earlier call returned it changes that one.
 */
export function lineChart(
  points: readonly Point[],
  size: Size,
  previous: SVGSVGElement = emptyChart(),
): SVGSVGElement {
  const { width, height } = size;
  previous.setAttribute('width', String(width));
  previous.setAttribute('height', String(height));
  const [first, last] = [points[0]?.time ?? 0, points.at(-1)?.time ?? 0];
  const values = points.map(({ value }) => value);
  const [low, high] = [Math.min(0, ...values), Math.max(1, ...values)];
  const x = (time: number) => (last === first ? 0 : ((time - first) / (last - first)) * width);
  const y = (value: number) => height - PAD - ((value - low) / (high - low)) * (height - 2 * PAD);
  const path = points
    .map(({ time, value }, at) => `${at ? 'L' : 'M'}${x(time)},${y(value)}`)
    .join('');
  previous.querySelector('path')?.setAttribute('d', path);
  const label = last - first > 86_400_000 ? formatDay : formatClock;
  const texts: readonly (readonly [string, number, number, string])[] = [
    [formatCompact(high), 0, PAD * 0.6, 'start'],
    [label(new Date(first)), 0, height - 6, 'start'],
    [label(new Date(last)), width, height - 6, 'end'],
  ];
  for (const [at, text] of previous.querySelectorAll('text').entries()) {
    const [content = '', left = 0, top = 0, anchor = ''] = texts[at] ?? [];
    text.textContent = content;
    text.setAttribute('x', String(left));
    text.setAttribute('y', String(top));
    text.setAttribute('text-anchor', anchor);
  }
  return previous;
}

function emptyChart(): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'line-chart');
  svg.setAttribute('aria-hidden', 'true');
  for (const name of ['path', 'text', 'text', 'text']) {
    const part = document.createElementNS(SVG, name);
    part.setAttribute('class', name === 'path' ? 'course' : 'told');
    svg.append(part);
  }
  return svg;
}
