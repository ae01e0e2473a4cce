import type { Size } from './bar-layout.ts';

const SVG = 'http://www.w3.org/2000/svg';

/** The line of a series within a size, and the area below it, as SVG paths. */
export interface SparklinePaths {
  readonly line: string;
  readonly area: string;
}

/** Lays a series out from left to right, its greatest value (at least 1) on top, 0 at the bottom. */
export function sparklinePaths(series: readonly number[], size: Size, pad: number): SparklinePaths {
  if (series.length < 2) return { line: '', area: '' };
  const top = Math.max(1, ...series);
  const x = (at: number) => round(pad + (at * (size.width - 2 * pad)) / (series.length - 1));
  const y = (value: number) => round(size.height - pad - (value / top) * (size.height - 2 * pad));
  const line = series.map((value, at) => `${at === 0 ? 'M' : 'L'}${x(at)},${y(value)}`).join('');
  return { line, area: `${line}V${size.height}H${x(0)}Z` };
}

/**
 * A small line without axes. Given the node that an earlier call returned as `previous` it changes
 * that one. A picture only: what it says stands elsewhere as text.
 */
export function sparkline(
  series: readonly number[],
  size: Size,
  previous: SVGSVGElement = emptySparkline(),
): SVGSVGElement {
  previous.setAttribute('width', String(size.width));
  previous.setAttribute('height', String(size.height));
  const { line, area } = sparklinePaths(series, size, 3);
  previous.querySelector('.area')?.setAttribute('d', area);
  previous.querySelector('.line')?.setAttribute('d', line);
  return previous;
}

function emptySparkline(): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'sparkline');
  svg.setAttribute('aria-hidden', 'true');
  for (const part of ['area', 'line']) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('class', part);
    svg.append(path);
  }
  return svg;
}

const round = (length: number): number => Math.round(length * 100) / 100;
