import type { Field, Printer } from './query.ts';
import { formatTable } from './table.ts';

/** Types that psql aligns to the right: int2, int4, int8, oid, floats, numeric, money, xid, cid. */
const RIGHT_ALIGNED = new Set([20, 21, 23, 26, 28, 29, 700, 701, 790, 1700]);

/** Prints results to `write` as psql does: tables aligned, COPY as it comes, else the tag. */
export function psqlPrinter(write: (text: string | Buffer) => void, title?: string): Printer {
  let fields: readonly Field[] | null = null;
  let rows: (readonly (string | null)[])[] = [];
  return {
    columns(next) {
      fields = next;
      rows = [];
    },
    row: (values) => void rows.push(values),
    complete(tag) {
      if (fields !== null) {
        const columns = fields.map(({ name, typeOid }) => ({
          name,
          rightAligned: RIGHT_ALIGNED.has(typeOid),
        }));
        write(formatTable({ title, columns, rows }));
      } else if (!tag.startsWith('COPY')) write(`${tag}\n`);
      fields = null;
      rows = [];
    },
    copied: (chunk) => write(chunk),
  };
}

/** Prints rows as they come, as COPY would, for streams that never complete. */
export function streamPrinter(write: (text: string | Buffer) => void): Printer {
  return {
    columns: (fields) => write(`${fields.map(({ name }) => name).join('\t')}\n`),
    row: (values) => write(`${values.map((value) => value ?? '\\N').join('\t')}\n`),
    complete: () => {},
    copied: (chunk) => write(chunk),
  };
}

/** An error as psql tells it: severity, message, the line with a caret, detail and hint. */
export function formatError(error: unknown, sql: string): string {
  if (!(error instanceof Error)) return `ERROR:  ${String(error)}\n`;
  const more = (name: string): string | undefined => {
    const value: unknown = Reflect.get(error, name);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const position = Number(more('position') ?? 0);
  const lines = [
    `${more('severity') ?? 'ERROR'}:  ${error.message}`,
    ...(position > 0 ? pointAt(sql, position) : []),
    ...['detail', 'hint'].flatMap((name) => {
      const value = more(name);
      return value === undefined ? [] : [`${name.toUpperCase()}:  ${value}`];
    }),
  ];
  return `${lines.join('\n')}\n`;
}

/** `position` counts characters from 1, as the protocol does. */
function pointAt(sql: string, position: number): readonly string[] {
  const before = [...sql].slice(0, position - 1).join('');
  const number = before.split('\n').length;
  const column = before.length - (before.lastIndexOf('\n') + 1);
  const opening = `LINE ${number}: `;
  const line = sql.split('\n')[number - 1] ?? '';
  return [`${opening}${line}`, `${' '.repeat(opening.length + column)}^`];
}
