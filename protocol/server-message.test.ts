import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MessageError } from './message-error.ts';
import { serverMessages } from './message-samples.ts';
import { serverMessageSchema } from './schema.ts';
import { parseServerMessage } from './server-message.ts';

test('P2: what the schemas allow, the client reads', () => {
  fc.assert(
    fc.property(serverMessages, (message) => {
      expect(serverMessageSchema.safeParse(message).success).toBe(true);
      expect(parseServerMessage(JSON.stringify(message))).toEqual(message);
    }),
    { numRuns: 500 },
  );
});

/** Values put in the place of a field. */
const wrong = fc.constantFrom<unknown>(null, true, -1, 1.5, 'x', [], {}, [[0, []]], { v: [1] });

test('P2: a field that the schemas refuse, the client refuses too, naming it', () => {
  fc.assert(
    fc.property(serverMessages, fc.nat(), wrong, (message, at, value) => {
      const fields = Object.keys(message).filter((name) => name !== 'type');
      const field = fields[at % fields.length] ?? '';
      const damaged = { ...message, [field]: value };
      const allowed = serverMessageSchema.safeParse(damaged).success;
      // The client does not weigh what it only shows: names, ids, codes, the form of a hash.
      const lenient = typeof value === 'string' || field === 'hash';
      if (allowed) expect(parseServerMessage(JSON.stringify(damaged))).toEqual(damaged);
      else if (!lenient && field !== 'quietMs' && field !== 'protocol' && field !== 'parts') {
        expect(() => parseServerMessage(JSON.stringify(damaged))).toThrow(
          `${message.type}.${field}: expected`,
        );
      }
    }),
    { numRuns: 2_000 },
  );
});

test('P2: whatever comes ends in a message, null or one MessageError', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      try {
        parseServerMessage(text);
      } catch (error) {
        expect(error).toBeInstanceOf(MessageError);
      }
    }),
  );
});

test('types and fields of later servers are ignored', () => {
  expect(parseServerMessage('{"type":"fanfare","volume":11}')).toBeNull();
  expect(parseServerMessage('{"type":"toString"}')).toBeNull();
  const accepted = { type: 'accepted', id: 'a', later: true };
  expect(parseServerMessage(JSON.stringify(accepted))).toEqual(accepted);
});

test('an error names the field and what came', () => {
  const text = '{"type":"status","channel":-1,"state":"live"}';
  expect(() => parseServerMessage(text)).toThrow(
    'status.channel: expected as in PROTOCOL.md, got -1',
  );
});
