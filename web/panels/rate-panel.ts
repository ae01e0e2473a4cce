import { sparkline } from '../charts/sparkline.ts';
import { element, setText } from '../elements.ts';
import { formatRate } from '../format.ts';
import type { Rate } from '../rate.ts';

/** How many changes a second, and the course of the last minute. */
export class RatePanel {
  readonly #figure = element('rate', HTMLDataElement);
  readonly #stage = element('sparkline', HTMLElement);
  #size = { width: 0, height: 0 };
  #series: Rate['series'] = [];
  #line: SVGSVGElement | undefined;

  constructor() {
    new ResizeObserver(() => {
      this.#size = { width: this.#stage.clientWidth, height: this.#stage.clientHeight };
      if (this.#series.length > 0) this.#draw();
    }).observe(this.#stage);
  }

  show({ perSecond, series }: Rate): void {
    this.#figure.value = String(perSecond);
    setText(this.#figure, formatRate(perSecond));
    this.#series = series;
    if (this.#size.width > 0) this.#draw();
  }

  /** Takes the part away where nothing counts the seconds. */
  hide(isMissing: boolean): void {
    const part = this.#stage.closest('section');
    if (part !== null) part.hidden = isMissing;
  }

  #draw(): void {
    const line = sparkline(this.#series, this.#size, this.#line);
    if (this.#line === undefined) this.#stage.replaceChildren(line);
    this.#line = line;
  }
}
