import { expect, test } from 'vitest';
import { readLogLine } from './child-log.ts';

test("pino's lines are told by their message and cause", () => {
  expect(readLogLine('{"level":30,"msg":"listening"}')).toEqual({
    level: 'info',
    text: 'listening',
  });
  expect(readLogLine('{"level":40,"msg":"slow"}').level).toBe('warning');
  expect(readLogLine('{"level":50,"msg":"lost","err":{"message":"ECONNRESET"}}')).toEqual({
    level: 'error',
    text: 'lost: ECONNRESET',
  });
  expect(readLogLine('{"level":60,"msg":"gone","err":{"message":"gone"}}').text).toBe('gone');
  const chained = '{"level":40,"msg":"no view a","err":{"message":"no view a: unknown item"}}';
  expect(readLogLine(chained).text).toBe('no view a');
});

test('anything else is an error as it stands', () => {
  for (const line of ['Error: boom', '42', 'null', '{"level":"high"}']) {
    expect(readLogLine(line)).toEqual({ level: 'error', text: line });
  }
});
