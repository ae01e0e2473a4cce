import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readBackslash } from './backslash.ts';
import { cutStatements } from './own-shell.ts';
import { formatError } from './printer.ts';

test('statements end at a semicolon that is none of a string, a name or a comment', () => {
  const text = `SELECT ';' AS ";" -- ;\n  , $$;$$;;\n/* ; */ SHOW VIEWS; SELECT`;
  expect(cutStatements(text)).toEqual({
    complete: [`SELECT ';' AS ";" -- ;\n  , $$;$$;`, '/* ; */ SHOW VIEWS;'],
    rest: ' SELECT',
  });
  expect(cutStatements("SELECT 'a;\n")).toEqual({ complete: [], rest: "SELECT 'a;\n" });
  expect(cutStatements(' \n')).toEqual({ complete: [], rest: '' });
});

test('typed line by line, the same statements come out as from the whole text', () => {
  const piece = fc.constantFrom('SELECT 1', ';', '\n', "'a;b'", '"c;d"', '-- e;\n', '$x$;$x$', ' ');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = `${pieces.join('')}\n`;
      const complete: string[] = [];
      let waiting = '';
      for (const line of text.split('\n').slice(0, -1)) {
        const cut = cutStatements(`${waiting}${line}\n`);
        complete.push(...cut.complete);
        waiting = cut.rest;
      }
      expect(complete).toEqual(cutStatements(text).complete);
    }),
  );
});

test('commands with a backslash', () => {
  expect(readBackslash('\\q')).toEqual({ kind: 'quit' });
  expect(readBackslash('\\?')).toEqual({ kind: 'help' });
  expect(readBackslash('\\x')).toEqual({ kind: 'unknown', command: '\\x' });
  expect(readBackslash('\\d Top10')).toMatchObject({ sql: 'SHOW COLUMNS FROM "top10"' });
  expect(readBackslash('\\d "a"" b"')).toMatchObject({ sql: 'SHOW COLUMNS FROM "a"" b"' });
  expect(readBackslash('\\dt')).toMatchObject({ title: 'List of relations' });
});

test('an error points at its place in the line', () => {
  const error = Object.assign(new Error('column "c" does not exist'), {
    severity: 'ERROR',
    position: '11',
    hint: 'try d',
  });
  expect(formatError(error, 'SELECT a,\nc FROM t')).toBe(
    'ERROR:  column "c" does not exist\nLINE 2: c FROM t\n        ^\nHINT:  try d\n',
  );
});
