import type { ErrorMessage, Hello, ServerMessage, Submit } from '../protocol/message.ts';
import { RefusedError } from './client.ts';
import { Pace } from './pace.ts';
import type { Submission } from './submission.ts';
import { excess, submitMessage } from './submit-message.ts';
import type { Talk, Voice } from './talk.ts';

/** For how long after the call a refused message is tried again, in milliseconds. */
export const TRY_MS = 10_000;

/** A message that has not been answered for good. */
interface Open {
  readonly submission: Submission;
  readonly message: Submit;
  /** Why it was refused, while another try is waited for. */
  refusal: ErrorMessage | null;
  /** Whether the next refusal is final. */
  late: boolean;
  /** End its timers. */
  stopRetry: () => void;
  stopLate: () => void;
}

/** What one client has sent in and has not been answered yet. */
export class Submissions implements Talk {
  readonly #open = new Map<string, Open>();
  /** Those of them that are to be said, in order. */
  readonly #queue = new Set<Open>();
  readonly #pace = new Pace(() => this.#sayAll());
  #voice: Voice | null = null;
  #hello: Hello | null = null;

  get busy(): boolean {
    return this.#open.size > 0;
  }

  /** The submission, or the one that is on its way with the same message. */
  submit(voice: Voice, submission: Submission): Submission {
    this.#voice = voice;
    const { id, topic, value } = submission;
    const message = submitMessage(id, topic, value);
    if (message instanceof RefusedError) {
      submission.refuse(message);
      return submission;
    }
    const held = this.#open.get(id);
    if (held === undefined) this.#begin(voice, submission, message);
    else if (JSON.stringify(held.message) === JSON.stringify(message)) return held.submission;
    else submission.refuse(new RefusedError({ code: 'id_in_use', message: IN_USE }));
    return submission;
  }

  connected(hello: Hello): void {
    if (hello === this.#hello) return;
    this.#hello = hello;
    this.#pace.begin(hello.limits);
    for (const open of this.#open.values()) this.#enqueue(open);
    this.#sayAll();
  }

  receive(message: ServerMessage): boolean {
    if (!('id' in message) || message.id === undefined) return false;
    const open = this.#open.get(message.id);
    if (open === undefined) return false;
    if (message.type === 'accepted') open.submission.accept();
    if (message.type === 'archived') this.#end(open).archive(message.timestamp);
    if (message.type === 'error') this.#refused(open, message);
    return message.type !== 'error';
  }

  close(why?: RefusedError): void {
    const error =
      why ?? new RefusedError({ code: 'unavailable', message: 'the client was closed' });
    for (const open of this.#open.values()) this.#end(open).refuse(error);
    this.#pace.stop();
  }

  #begin(voice: Voice, submission: Submission, message: Submit): void {
    const open: Open = {
      submission,
      message,
      refusal: null,
      late: false,
      stopRetry: () => {},
      stopLate: voice.after(TRY_MS, () => {
        open.late = true;
        if (open.refusal !== null) this.#refused(open, open.refusal);
      }),
    };
    this.#open.set(message.id, open);
    this.#enqueue(open);
    this.#sayAll();
  }

  #refused(open: Open, error: ErrorMessage): void {
    const { retryMs } = error;
    if (retryMs === undefined || open.late || this.#voice === null) {
      this.#end(open).refuse(new RefusedError(error));
      return;
    }
    open.refusal = error;
    open.stopRetry();
    open.stopRetry = this.#voice.after(retryMs, () => {
      this.#enqueue(open);
      this.#sayAll();
    });
  }

  #enqueue(open: Open): void {
    open.stopRetry();
    open.refusal = null;
    this.#queue.add(open);
  }

  /** Says what the pace allows; nothing before the server has told its limits. */
  #sayAll(): void {
    const voice = this.#voice;
    if (voice === null || this.#hello === null) return;
    for (const open of this.#queue) {
      const error = excess(open.message, this.#hello.limits);
      if (error !== null) {
        this.#end(open).refuse(error);
        continue;
      }
      if (!this.#pace.take(voice)) return;
      this.#queue.delete(open);
      voice.say(open.message);
    }
  }

  #end(open: Open): Submission {
    open.stopRetry();
    open.stopLate();
    this.#open.delete(open.message.id);
    this.#queue.delete(open);
    return open.submission;
  }
}

const IN_USE = 'id: expected one of its own, got that of another message that is on its way';
