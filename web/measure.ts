import type { MeasureText } from './charts/bar-layout.ts';

const canvas = document.createElement('canvas').getContext('2d');

/** Measures texts in a font family; bar labels are set in weight 600 (styles.css). */
export function measureIn(family: string): MeasureText {
  return (text, fontSize) => {
    if (canvas === null) return text.length * fontSize * 0.6;
    canvas.font = `600 ${fontSize}px ${family}`;
    return canvas.measureText(text).width;
  };
}
