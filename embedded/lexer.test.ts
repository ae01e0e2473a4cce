import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quoteName, quoteText, splitStatements, tokenize } from './lexer.ts';

const nasty = fc.string({ unit: fc.constantFrom(...`a;'"$\\-/* \n`, 'é', '𝄞') });
const tag = fc.constantFrom('', 'a', 'tag_1');

/** Pieces of SQL in which a semicolon is not the end of a statement. */
const piece = fc.oneof(
  nasty.map(quoteText),
  nasty.map(quoteName),
  nasty.map((s) => `e'${s.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`),
  fc.tuple(tag, nasty).map(([t, s]) => `$${t}$${s.replaceAll('$', '')}$${t}$`),
  nasty.map((s) => `/* ${s.replaceAll(/[*/]/g, '')} /* ; */ ${s.replaceAll(/[*/]/g, '')} */ 1`),
  nasty.map((s) => `1 --${s.replaceAll('\n', ' ')};\n`),
  fc.constantFrom('select', 'a$b$c', '$1', '1.5e-3', '::', 'x', '(', ',', "''", '""'),
);
const statement = fc.array(piece, { minLength: 1, maxLength: 6 }).map((all) => all.join(' '));

test('a script splits into the statements it was made of', () => {
  fc.assert(
    fc.property(fc.array(statement, { maxLength: 5 }), (statements) => {
      const script = statements.join(' ; ');
      const split = splitStatements(script);
      expect(split.map((one) => one.tokens.map((t) => [t.kind, t.value]))).toEqual(
        statements.map((sql) => tokenize(sql).map((t) => [t.kind, t.value])),
      );
      for (const { sql, tokens } of split) expect(tokenize(sql)).toEqual(tokens);
    }),
    { numRuns: 500 },
  );
});

test('any text at all is read to its end, in order', () => {
  const any = fc.oneof(nasty, fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(any, (sql) => {
      let at = 0;
      for (const token of tokenize(sql)) {
        expect(token.start).toBeGreaterThanOrEqual(at);
        expect(token.end).toBeGreaterThan(token.start);
        at = token.end;
      }
      expect(at).toBeLessThanOrEqual(sql.length);
    }),
    { numRuns: 1000 },
  );
});

test('what is quoted reads back as it was', () => {
  fc.assert(
    fc.property(nasty, (value) => {
      expect(tokenize(quoteText(value))).toMatchObject([{ kind: 'string', value }]);
      expect(tokenize(quoteName(value))).toMatchObject([{ kind: 'quoted', value }]);
    }),
  );
});

test('bare words are lower-cased, quoted ones are not, and what is not closed is marked', () => {
  expect(tokenize('SELECT "User" FROM Täb').map((t) => t.value)).toEqual([
    ...['select', 'User', 'from', 'täb'],
  ]);
  for (const open of ["'a;b", '"a;b', '$x$ a;b $y$', "e'a\\'"]) {
    expect(tokenize(open)).toMatchObject([{ kind: 'unterminated', start: 0, end: open.length }]);
  }
  expect(splitStatements('; ;-- x\n;')).toEqual([]);
});

test('a long literal is no problem', () => {
  const long = quoteText("it's ".repeat(1_000_000));
  expect(tokenize(`INSERT INTO t VALUES (${long})`).at(-2)?.kind).toBe('string');
});
