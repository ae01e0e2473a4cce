import { quoteName, quoteText } from '../../embedded/lexer.ts';

/** What a line that begins with a backslash asks for. */
export type Backslash =
  | { readonly kind: 'query'; readonly sql: string; readonly title: string }
  | { readonly kind: 'help' }
  | { readonly kind: 'quit' }
  | { readonly kind: 'unknown'; readonly command: string };

/** What `\?` prints. */
export const BACKSLASH_HELP = `  \\d          all relations
  \\d NAME     the columns of one
  \\dt  \\dv  \\dm   tables, views, materialized views
  \\q          quit (Ctrl-D too)
  \\?          this text
  Statements end with a semicolon and may take several lines. Ctrl-C ends what runs.
  COPY (TAIL top10) TO STDOUT;   follows a view.
`;

const KINDS: Readonly<Record<string, readonly string[]>> = {
  d: ['table', 'view', 'materialized-view', 'source'],
  dt: ['table'],
  dv: ['view'],
  dm: ['materialized-view'],
};

/** Reads such a line, the backslash included. */
export function readBackslash(line: string): Backslash {
  const [, command = '', argument = ''] = /^\\(\S*)\s*(.*?)\s*;?\s*$/s.exec(line) ?? [];
  if (command === 'q') return { kind: 'quit' };
  if (command === '?') return { kind: 'help' };
  if (command === 'd' && argument !== '') {
    const name = /^".*"$/.test(argument)
      ? argument.slice(1, -1).replaceAll('""', '"')
      : argument.toLowerCase();
    return {
      kind: 'query',
      sql: `SHOW COLUMNS FROM ${quoteName(name)}`,
      title: `Relation "${name}"`,
    };
  }
  const kinds = KINDS[command];
  if (kinds === undefined || argument !== '') return { kind: 'unknown', command: `\\${command}` };
  const list = kinds.map(quoteText).join(', ');
  return {
    kind: 'query',
    sql: `SELECT name AS "Name", type AS "Type" FROM mz_catalog.mz_objects WHERE type IN (${list}) ORDER BY name`,
    title: 'List of relations',
  };
}
