import { expect, test } from 'vitest';
import { Terminal } from './terminal.ts';

/** A terminal without a screen, and what was written to it. */
function record() {
  const lines: string[] = [];
  const output = { write: (text: string) => lines.push(text.trimEnd()) };
  return { terminal: new Terminal(output, output, false), lines };
}

test('the same problem is not told right below itself', () => {
  const { terminal, lines } = record();
  for (const text of ['lost', 'lost', 'refused', 'refused', 'lost']) {
    terminal.repeatedProblem(text);
  }
  expect(lines).toEqual(['lost', 'refused', 'lost']);
});

test('a problem that alternates with others is told five times', () => {
  const { terminal, lines } = record();
  for (let n = 0; n < 20; n += 1) {
    terminal.repeatedProblem('lost');
    terminal.news('back');
  }
  expect(lines.filter((line) => line === 'lost')).toHaveLength(4);
  expect(lines.filter((line) => line === 'lost (not shown again)')).toHaveLength(1);
});
