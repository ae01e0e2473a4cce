/** A result as psql's aligned format prints it. */
export interface Table {
  readonly title?: string | undefined;
  readonly columns: readonly { readonly name: string; readonly rightAligned: boolean }[];
  /** Text as the server sent it, null for NULL. */
  readonly rows: readonly (readonly (string | null)[])[];
}

/** One line of a cell, and whether the cell goes on below. */
interface CellLine {
  readonly text: string;
  readonly width: number;
  readonly continued: boolean;
}

/**
 * Prints a table as psql does with its default settings (border 1, NULL empty, row count below),
 * ending with an empty line. O(cells); all rows are held.
 */
export function formatTable({ title, columns, rows }: Table): string {
  const names = columns.map(({ name }) => cellLines(name));
  const cells = rows.map((row) => row.map((value) => cellLines(value ?? '')));
  const widths = columns.map((_, at) => {
    const lines = [names[at] ?? [], ...cells.map((row) => row[at] ?? [])].flat();
    return lines.reduce((widest, { width }) => Math.max(widest, width), 0);
  });
  const rule = widths.map((width) => '-'.repeat(width + 2)).join('+');
  const lines = [
    ...heightOf(names, (at) =>
      names.map((name, column) => centred(name[at], widths[column] ?? 0)).join('|'),
    ),
    rule,
    ...cells.flatMap((row) => heightOf(row, (at) => formatLine(row, at, columns, widths))),
    rows.length === 1 ? '(1 row)' : `(${rows.length} rows)`,
  ];
  const above = title === undefined ? [] : [centreTitle(title, rule.length)];
  return `${[...above, ...lines].join('\n')}\n\n`;
}

function centreTitle(title: string, width: number): string {
  return ' '.repeat(Math.max(0, Math.floor((width - displayWidth(title)) / 2))) + title;
}

function heightOf(
  cells: readonly (readonly CellLine[])[],
  line: (at: number) => string,
): readonly string[] {
  const height = cells.reduce((highest, lines) => Math.max(highest, lines.length), 1);
  return Array.from({ length: height }, (_, at) => line(at));
}

function centred(line: CellLine | undefined, width: number): string {
  const { text, width: taken, continued } = line ?? EMPTY;
  const before = Math.floor((width - taken) / 2);
  const after = width - taken - before;
  return ` ${' '.repeat(before)}${text}${' '.repeat(after)}${continued ? '+' : ' '}`;
}

function formatLine(
  row: readonly (readonly CellLine[])[],
  at: number,
  columns: Table['columns'],
  widths: readonly number[],
): string {
  return columns
    .map(({ rightAligned }, column) => {
      const { text, width, continued } = row[column]?.[at] ?? EMPTY;
      const space = ' '.repeat((widths[column] ?? 0) - width);
      const last = column === columns.length - 1;
      if (rightAligned) return ` ${space}${text}${continued ? '+' : last ? '' : ' '}`;
      return ` ${text}${continued ? `${space}+` : last ? '' : `${space} `}`;
    })
    .join('|');
}

const EMPTY: CellLine = { text: '', width: 0, continued: false };

function cellLines(value: string): readonly CellLine[] {
  const lines = value.split('\n').map(escapeControls);
  return lines.map((text, at) => ({
    text,
    width: displayWidth(text),
    continued: at < lines.length - 1,
  }));
}

/** Tabs go to the next multiple of eight; other controls are shown, not sent to the terminal. */
function escapeControls(line: string): string {
  let out = '';
  for (const character of line) {
    const code = character.codePointAt(0) ?? 0;
    if (character === '\t') out += ' '.repeat(8 - (displayWidth(out) % 8));
    else if (character === '\r') out += '\\r';
    else if (code < 0x20 || code === 0x7f) out += `\\x${hex(code, 2)}`;
    else if (code >= 0x80 && code < 0xa0) out += `\\u${hex(code, 4)}`;
    else out += character;
  }
  return out;
}

function hex(code: number, digits: number): string {
  return code.toString(16).toUpperCase().padStart(digits, '0');
}

const ASCII = /^[\x20-\x7e]*$/;
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]$/u;

/** How many terminal cells a text takes. */
export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) {
    if (!NO_WIDTH.test(character)) width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}
