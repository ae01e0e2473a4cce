import process from 'node:process';
import { type Options, OptionsError, readOptions, USAGE } from './options.ts';
import { resultLine, summaryLine } from './report.ts';
import { Rule } from './rule.ts';
import { CHECKS, type Result, run } from './runner.ts';
import { survey } from './survey.ts';

/**
 * `npm run conformance -- ws://…`: checks any implementation of PROTOCOL.md from outside. Ends with
 * 0 when no rule is broken, 1 when one is, 2 when the command line is wrong.
 */

const BROKEN = 1;
const MISUSE = 2;

function options(): Options {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    process.stderr.write(`conformance: ${error.message}\n\n${USAGE}`);
    process.exit(MISUSE);
  }
}

const asked = options();
try {
  const known = await survey(asked);
  const { length } = known.views;
  process.stdout.write(`${asked.url}: ${length} views, schema ${known.hello.schema}\n\n`);
  const checks = CHECKS.filter(({ rule, name }) => `${rule}: ${name}`.includes(asked.only));
  const results: Result[] = [];
  for await (const result of run(asked, known, checks)) {
    results.push(result);
    process.stdout.write(resultLine(result));
  }
  process.stdout.write(`\n${summaryLine(results)}`);
  if (results.some(({ outcome }) => outcome.kind === 'broken')) process.exitCode = BROKEN;
} catch (error) {
  if (!(error instanceof Rule)) throw error;
  process.stderr.write(`conformance: ${error.rule}: ${error.message}\n`);
  process.exitCode = BROKEN;
}
