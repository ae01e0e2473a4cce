import { formatCount } from '../format.ts';
import type { Kind, Leader } from '../leaders.ts';
import { layoutBars, type MeasureText, type Size } from './bar-layout.ts';

/** What a picture is painted with: colours as CSS writes them. */
export interface Paint {
  readonly paper: string;
  readonly ink: string;
  readonly soft: string;
  readonly bars: Readonly<Record<Kind | 'any', string>>;
  readonly family: string;
}

/** What of a canvas is painted on; fulfilled by shape. */
export type Canvas = Pick<
  CanvasRenderingContext2D,
  'fillStyle' | 'font' | 'textAlign' | 'textBaseline' | 'direction' | 'fillRect' | 'fillText'
>;

/** Paints a ranking as it stands, with a title above: a picture to keep. */
export function paintBars(
  canvas: Canvas,
  leaders: readonly Leader[],
  slots: number,
  size: Size,
  title: string,
  measure: MeasureText,
  paint: Paint,
): void {
  const head = Math.round(size.height / 12);
  const room = { width: size.width - 2 * head, height: size.height - 2.5 * head };
  const layout = layoutBars(leaders, slots, room, measure);
  const font = (weight: number, px: number) => `${weight} ${px}px ${paint.family}`;
  const write = (text: string, x: number, y: number, style: string, align: CanvasTextAlign) => {
    canvas.fillStyle = style;
    canvas.textAlign = align;
    canvas.fillText(text, x, y);
  };
  canvas.textBaseline = 'middle';
  canvas.fillStyle = paint.paper;
  canvas.fillRect(0, 0, size.width, size.height);
  canvas.font = font(700, head * 0.5);
  write(title, head, head, paint.ink, 'left');
  const left = head + layout.left;
  for (const [rank, bar] of layout.bars.entries()) {
    const y = 1.5 * head + bar.y;
    const middle = y + layout.thickness / 2;
    canvas.fillStyle = paint.bars[bar.kind ?? 'any'];
    canvas.fillRect(left, y, bar.width, layout.thickness);
    canvas.direction = 'ltr';
    canvas.font = font(400, layout.fontSize);
    write(String(rank + 1), left - layout.gap, middle, paint.soft, 'right');
    canvas.font = font(600, layout.fontSize);
    write(formatCount(bar.count), left + bar.width + layout.gap, middle, paint.ink, 'left');
    canvas.direction = bar.direction;
    write(bar.label, left + bar.labelX, middle, paint.ink, 'left');
  }
}
