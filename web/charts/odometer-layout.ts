/** One digit wheel: between 0 (inclusive) and 10 (exclusive), a fraction being half turned. */
export interface Wheel {
  /** The power of ten that the wheel counts: 0 for units. */
  readonly place: number;
  readonly turn: number;
  /** Whether it only stands for a leading zero, which is not shown. */
  readonly blank: boolean;
}

/**
 * How the wheels of an odometer stand at `value`, units first. As in a car, a wheel turns only
 * while the one to its right goes from 9 to 0, so that every whole value shows whole digits.
 *
 * @param value at least 0, not necessarily whole
 * @param places how many wheels there are, at least as many as `value` has digits
 */
export function wheelsAt(value: number, places: number): Wheel[] {
  const wheels: Wheel[] = [];
  let whole = Math.floor(value);
  let carry = value - whole;
  for (let place = 0; place < places; place++) {
    const digit = whole % 10;
    wheels.push({ place, turn: digit + carry, blank: place > 0 && whole === 0 && carry === 0 });
    carry = digit === 9 ? carry : 0;
    whole = Math.floor(whole / 10);
  }
  return wheels;
}
