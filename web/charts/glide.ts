import { easeCubicOut, interrupt, select } from 'd3';

/** Numbers that move together from one state to the next. */
export type Numbers = { readonly [name: string]: number };

/**
 * Numbers on their way: what is shown at this moment, and where that is going. Each new target is
 * reached from what is shown, so targets may come faster than they are reached and none is queued.
 */
export interface Glide<State extends Numbers> {
  readonly name: string;
  readonly show: (state: State) => void;
  shown: State;
  target: State;
}

/** A glide that stands at `start`; `show` draws a state. */
export function glideFrom<State extends Numbers>(
  name: string,
  start: State,
  show: (state: State) => void,
): Glide<State> {
  show(start);
  return { name, show, shown: start, target: start };
}

/**
 * Sends a glide to `to` in `ms` milliseconds, slowing down towards the end; 0 is there at once. One
 * that already is on its way to the same state goes on undisturbed. `arrived` is called unless the
 * glide is sent elsewhere before.
 */
export function glideTo<State extends Numbers>(
  node: Element,
  glide: Glide<State>,
  to: State,
  ms: number,
  arrived?: () => void,
): void {
  if (ms === 0) {
    interrupt(node, glide.name);
    glide.target = to;
    step(glide, to);
    arrived?.();
    return;
  }
  if (isSame(glide.target, to)) return;
  glide.target = to;
  const from = glide.shown;
  const transition = select(node).transition(glide.name).duration(ms).ease(easeCubicOut);
  transition.tween(glide.name, () => (t) => step(glide, t === 1 ? to : between(from, to, t)));
  if (arrived !== undefined) transition.on('end', arrived);
}

function step<State extends Numbers>(glide: Glide<State>, state: State): void {
  glide.shown = state;
  glide.show(state);
}

function isSame(a: Numbers, b: Numbers): boolean {
  return Object.keys(a).every((name) => a[name] === b[name]);
}

function between<State extends Numbers>(from: State, to: State, t: number): State {
  const mixed: Record<string, number> = {};
  for (const name in to) {
    const end = to[name] ?? 0;
    mixed[name] = mix(from[name] ?? end, end, t);
  }
  return mixed as State;
}

/** As d3's interpolateNumber, which makes a function for each number of each frame. */
function mix(from: number, to: number, t: number): number {
  return from * (1 - t) + to * t;
}
