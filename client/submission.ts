import type { Frontier, Json } from '../protocol/update.ts';

/** A message on its way in. Both promises reject with a `RefusedError`. */
export class Submission {
  readonly id: string;
  readonly topic: string;
  readonly value: Json;
  /** The message is safe: it will be in the archive. */
  readonly accepted: Promise<void>;
  /** The message is in the views up to this frontier, which this client has been sent. */
  readonly archived: Promise<Frontier>;
  readonly #accept: () => void;
  readonly #archive: (timestamp: Frontier) => void;
  readonly #refuse: (error: Error) => void;

  constructor(id: string, topic: string, value: Json) {
    this.id = id;
    this.topic = topic;
    this.value = value;
    const accepted = deferred<void>();
    const archived = deferred<Frontier>();
    this.accepted = accepted.promise;
    this.archived = archived.promise;
    // Who waits for one of the two must not be ended by the other's rejection.
    accepted.promise.catch(() => {});
    archived.promise.catch(() => {});
    this.#accept = accepted.resolve;
    this.#archive = archived.resolve;
    this.#refuse = (error) => {
      accepted.reject(error);
      archived.reject(error);
    };
  }

  /** The server answered `accepted`. */
  accept(): void {
    this.#accept();
  }

  /** The server answered `archived`; that it is accepted goes with it. */
  archive(timestamp: Frontier): void {
    this.#accept();
    this.#archive(timestamp);
  }

  /** It will not be done. */
  refuse(error: Error): void {
    this.#refuse(error);
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((fulfil, fail) => {
    resolve = fulfil;
    reject = fail;
  });
  return { promise, resolve, reject };
}
