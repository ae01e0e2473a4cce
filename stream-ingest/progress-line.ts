/**
 * A progress bar as one line of exactly `columns − 1` characters (at least 30), such as
 * `[#####     ]  1,950 of 3,900 events, 50 %`.
 */
export function progressLine(done: number, total: number, columns = 80): string {
  // A terminal that does not know its width says 0.
  const width = Math.max(30, (columns || 80) - 1);
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const count = (n: number) => n.toLocaleString('en-US');
  const text = `  ${count(done)} of ${count(total)} events, ${Math.floor(share * 100)} %`;
  const cells = width - text.length - 2;
  if (cells < 1) return text.trim().slice(0, width).padEnd(width);
  const filled = Math.floor(share * cells);
  return `[${'#'.repeat(filled)}${' '.repeat(cells - filled)}]${text}`;
}
