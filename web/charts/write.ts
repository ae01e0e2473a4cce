import type { BaseType, ValueFn } from 'd3';

/**
 * For `selection.each`: sets the text of a node where it is another one. D3's own `text` makes it
 * anew each time, and the browser then lays it out again.
 */
export function write<Datum>(
  text: (datum: Datum, index: number) => string,
): ValueFn<BaseType, Datum, void> {
  return function (datum, index) {
    const node = this as Node;
    const next = text(datum, index);
    if (node.textContent !== next) node.textContent = next;
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
