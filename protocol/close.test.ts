import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CLOSE, closeReason } from './close.ts';
import { closeAdvice } from './close-advice.ts';

test('every reason fits into a close frame, and its advice comes back', () => {
  const closes = fc.constantFrom(...Object.values(CLOSE));
  fc.assert(
    fc.property(closes, fc.option(fc.nat(300_000), { nil: undefined }), (close, retryMs) => {
      const reason = closeReason(close, retryMs);
      expect(new TextEncoder().encode(reason).length).toBeLessThanOrEqual(123);
      expect(closeAdvice(close.code, reason)).toEqual({
        reconnect: close.reconnect,
        retryMs: retryMs ?? close.retryMs,
      });
    }),
  );
});

test('codes are the application’s own, each once', () => {
  const codes = Object.values(CLOSE).map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
  for (const code of codes) expect(code).toBeGreaterThanOrEqual(4000);
  for (const code of codes) expect(code).toBeLessThan(5000);
});

test('what is not the server’s own means to come back, and no server sends viewers away', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: 3999 }), fc.string(), (code, reason) => {
      const advice = closeAdvice(code, reason);
      expect(advice.reconnect).toBe('wait');
      expect(advice.retryMs).toBeGreaterThanOrEqual(0);
      expect(advice.retryMs).toBeLessThanOrEqual(300_000);
    }),
  );
  expect(closeAdvice(4013, 'overloaded retryMs=999999999').retryMs).toBe(300_000);
  expect(closeAdvice(1006, '').retryMs).toBe(0);
});
