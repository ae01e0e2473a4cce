import type { Given, Intake } from './intake.ts';

/** What takes messages in, for tests: told by hand what becomes of them. */
export class FakeIntake implements Intake {
  readonly submitted: Given[] = [];
  /** What each sender is told at once. */
  answer: (listener: Listener) => void = () => {};
  /** What is known of a message; null where nothing is. */
  known: ((listener: Listener) => void) | null = null;

  submit(given: Given, _address: string, listener: Listener): () => void {
    this.submitted.push(given);
    this.answer(listener);
    return () => {};
  }

  watch(_topic: string, _id: string, listener: Listener): (() => void) | null {
    this.known?.(listener);
    return this.known === null ? null : () => {};
  }

  topics(): readonly string[] {
    return ['example'];
  }
}

type Listener = Parameters<Intake['submit']>[2];

/** A request as handlers see it. */
export const requestOf = (
  method: string,
  address: string,
  headers: Readonly<Record<string, string>> = {},
) => {
  const { pathname, searchParams } = new URL(address, 'http://127.0.0.1');
  return {
    method,
    path: pathname,
    query: searchParams,
    headers: new Map(Object.entries(headers)),
    peer: '127.0.0.1',
  };
};

/** Somebody who may see and submit everything. */
export const anybody = { forbidsView: () => null, forbidsTopic: () => null };
