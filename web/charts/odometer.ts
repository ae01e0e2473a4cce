import { local, select } from 'd3';
import { type Glide, glideFrom, glideTo } from './glide.ts';
import { type Wheel, wheelsAt } from './odometer-layout.ts';

type Value = { readonly value: number };

const glideOf = local<Glide<Value>>();

/** The strip of a wheel: after 9 comes 0 again, so that a turn from 9 ends where 0 begins. */
const STRIP = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0];

/**
 * A counter with rolling digits. Given the node that an earlier call returned as `previous` it
 * rolls that one on from what it shows now; a lower value is set at once, as nothing was counted
 * back. Readers of the page's text get the number elsewhere: this is a picture of it.
 *
 * @param value a whole number from 0 to 2^53 − 1
 * @param ms how long to roll, in ms; 0 sets the value at once
 */
export function odometer(value: number, ms = 0, previous?: HTMLElement): HTMLElement {
  const node = previous ?? emptyOdometer();
  const glide = glideOf.get(node);
  if (glide === undefined) {
    const show = (state: Value) => drawWheels(node, state.value);
    glideOf.set(node, glideFrom('value', { value }, show));
  } else {
    glideTo(node, glide, { value }, value < glide.shown.value ? 0 : ms);
  }
  return node;
}

function emptyOdometer(): HTMLElement {
  const node = document.createElement('span');
  node.className = 'odometer';
  node.ariaHidden = 'true';
  return node;
}

function drawWheels(node: HTMLElement, value: number): void {
  const wheels = wheelsAt(value, String(Math.ceil(value)).length).reverse();
  const cells = select(node)
    .selectAll<HTMLElement, Wheel>('.wheel')
    .data(wheels, (wheel) => wheel.place)
    .join((enter) => {
      const cell = enter.append('span').attr('class', wheelClass);
      const strip = cell.append('span').attr('class', 'strip');
      for (const digit of STRIP) strip.append('span').text(digit);
      return cell;
    })
    .order();
  cells.classed('blank', (wheel) => wheel.blank);
  cells
    .select<HTMLElement>('.strip')
    .style('transform', ({ turn }) => `translateY(${(-100 * turn) / STRIP.length}%)`);
}

/** A wheel whose right neighbour begins a group of three has the separator after it. */
function wheelClass({ place }: Wheel): string {
  return place > 0 && place % 3 === 0 ? 'wheel thousands' : 'wheel';
}
