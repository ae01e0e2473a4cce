import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EngineError } from '../engine.ts';
import { frame, int16, int32, text } from './backend.ts';
import { splitFrames } from './frames.ts';
import { parseMessage, parseStartup } from './frontend.ts';

function parsed(bytes: Buffer) {
  const [first] = [...splitFrames(bytes)];
  if (first === undefined) throw new Error('no frame');
  return parseMessage(first);
}

/** Fails unless the work returns or throws an EngineError with a protocol code. */
function survives(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    expect(['08P01', '0A000']).toContain(error.code);
  }
}

test('no bytes make the parsers throw anything but a protocol error', () => {
  const body = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.nat(255), body, (type, bytes) => {
      survives(() => parseMessage({ type, body: bytes }));
      survives(() => parseStartup(bytes));
    }),
    { numRuns: 2000 },
  );
});

test('a Bind is read with its values, and its parameters can be passed on untouched', () => {
  const parameters = [int16(1), int16(0), int16(2), int32(2), Buffer.from('ab'), int32(-1)];
  const message = parsed(frame('B', text('p'), text('s'), ...parameters, int16(1), int16(1)));
  expect(message).toEqual({
    type: 'bind',
    portal: 'p',
    statement: 's',
    parameters: {
      raw: Buffer.concat(parameters),
      formats: [0],
      values: [Buffer.from('ab'), null],
    },
    resultFormats: [1],
  });
});

test('the start of a connection is told apart', () => {
  expect(parseStartup(int32(80877103))).toEqual({ type: 'ssl-request' });
  expect(parseStartup(int32(80877104))).toEqual({ type: 'gss-request' });
  expect(parseStartup(Buffer.concat([int32(80877102), int32(7), int32(-5)]))).toEqual({
    type: 'cancel',
    processId: 7,
    secret: -5,
  });
  const startup = Buffer.concat([int32(196610), ...['user', 'me', ''].map(text)]);
  expect(parseStartup(startup)).toEqual({
    type: 'startup',
    minorVersion: 2,
    parameters: new Map([['user', 'me']]),
  });
  expect(() => parseStartup(int32(2 << 16))).toThrow(/protocol 3/);
});
