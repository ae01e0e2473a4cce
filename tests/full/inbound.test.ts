/** What tests/fuzz says in each run, and much more of it. */
process.env.FUZZ_CASES ??= '100000';
await import('../fuzz/inbound.test.ts');

export {};
