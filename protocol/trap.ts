/**
 * What makes a value just parsed unfit to be walked, in the words that follow "expected": it is
 * nested in more than `levels` objects and arrays, or has the key `__proto__`, which others lose.
 * Null when all is well. Walks level by level, so that no depth can exhaust the stack.
 */
export function trapIn(root: unknown, levels: number): string | null {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue;
      if (depth === levels) return `at most ${levels} levels of nesting`;
      if (Object.hasOwn(value, '__proto__')) return 'no key named __proto__';
      for (const inner of Object.values(value)) next.push(inner);
    }
    level = next;
  }
  return null;
}
