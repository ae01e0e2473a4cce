/** Prints lines of text: figures, and beside them whether a target is met. */

/** Where the bench prints. */
export type Print = (line: string) => void;

/** A table with a head; the first column is left-aligned, the others are numbers. */
export function printTable(
  print: Print,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of [head, ...rows]) {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    print(`  ${cells.join('  ').trimEnd()}`);
  }
}

/** `met` or `MISSED`, with the target in words. */
export function verdict(met: boolean, target: string): string {
  return `${met ? 'met' : 'MISSED'}: ${target}`;
}

/** A number with so many digits after the point; a dash for none. */
export function figure(value: number, digits = 2): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '–';
}
