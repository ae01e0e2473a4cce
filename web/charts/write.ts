import type { BaseType, ValueFn } from 'd3';
import { setText } from '../elements.ts';

/** For `selection.each`: sets the text of a node, which D3's own `text` makes anew each time. */
export function write<Datum>(
  text: (datum: Datum, index: number) => string,
): ValueFn<BaseType, Datum, void> {
  return function (datum, index) {
    setText(this as Node, text(datum, index));
  };
}

/** The same for one attribute. */
export function mark<Datum>(
  name: string,
  value: (datum: Datum, index: number) => string | number,
): ValueFn<BaseType, Datum, void> {
  return function (datum, index) {
    const node = this as Element;
    const next = String(value(datum, index));
    if (node.getAttribute(name) !== next) node.setAttribute(name, next);
  };
}
