import { sparkline } from '../charts/sparkline.ts';
import { element } from '../elements.ts';
import { formatRate } from '../format.ts';
import type { Rate } from '../rate.ts';

/** How many changes a second, and the course of the last minute. */
export class RatePanel {
  readonly #figure = element('rate', HTMLDataElement);
  readonly #stage = element('sparkline', HTMLElement);
  #series: Rate['series'] = [];
  #line: SVGSVGElement | undefined;

  constructor() {
    new ResizeObserver(() => {
      if (this.#line !== undefined) this.#draw();
    }).observe(this.#stage);
  }

  show({ perSecond, series }: Rate): void {
    this.#figure.value = String(perSecond);
    this.#figure.textContent = formatRate(perSecond);
    this.#series = series;
    this.#draw();
  }

  #draw(): void {
    const size = { width: this.#stage.clientWidth, height: this.#stage.clientHeight };
    const line = sparkline(this.#series, size, this.#line);
    if (this.#line === undefined) this.#stage.replaceChildren(line);
    this.#line = line;
  }
}
