/**
 * Compares by code points, which is the order of UTF-8 bytes and so the database's `COLLATE "C"`.
 * JavaScript's `<` compares UTF-16 units and puts emoji before some rarer letters.
 */
export function codePointOrder(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [unitA, unitB] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (unitA !== unitB) return lifted(unitA) - lifted(unitB);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all others, so they are lifted above U+FFFF. */
function lifted(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
