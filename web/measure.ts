import type { MeasureText } from './charts/bar-layout.ts';

const canvas = document.createElement('canvas').getContext('2d');

/** How many widths are remembered: names and numbers come again with the next batch. */
const REMEMBERED = 2_000;

/** Measures texts in a font family; bar labels are set in weight 600 (charts/bar-race.css). */
export function measureIn(family: string): MeasureText {
  const widths = new Map<string, number>();
  return (text, fontSize) => {
    if (canvas === null) return text.length * fontSize * 0.6;
    const key = `${fontSize} ${text}`;
    const known = widths.get(key);
    if (known !== undefined) return known;
    canvas.font = `600 ${fontSize}px ${family}`;
    const { width } = canvas.measureText(text);
    if (widths.size >= REMEMBERED) widths.clear();
    widths.set(key, width);
    return width;
  };
}
