/** Conditions and expressions as PostgreSQL prints them in a plan. */

/** The parts of a condition between its outermost ANDs. */
export function conjuncts(condition: string): readonly string[] {
  const text = bare(condition);
  const parts: string[] = [];
  let [start, at] = [0, 0];
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === '(' || char === "'" || char === '"') {
      const end = char === '(' ? closing(text, at) : text.indexOf(char, at + 1);
      if (end === -1) return [text];
      at = end;
    } else if (text.startsWith(' AND ', at)) {
      parts.push(text.slice(start, at));
      at += ' AND '.length - 1;
      start = at + 1;
    }
    at += 1;
  }
  return [...parts, text.slice(start)].map(bare);
}

/** Removes parentheses around the whole of an expression. */
export function bare(sql: string): string {
  const text = sql.trim();
  return text.startsWith('(') && closing(text) === text.length - 1 ? bare(text.slice(1, -1)) : text;
}

/** Where the parenthesis that opens at `start` closes, or −1. */
export function closing(sql: string, start = 0): number {
  let depth = 0;
  let quote = '';
  for (let at = start; at < sql.length; at++) {
    const char = sql.charAt(at);
    if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === "'" || char === '"') quote = char;
    else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return at;
  }
  return -1;
}
