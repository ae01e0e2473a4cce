import type { ErrorCode, ServerMessage, Submit } from '../../protocol/message.ts';
import type { Frontier } from '../../protocol/update.ts';
import type { TakeMessage } from './session-parts.ts';

export interface SubmissionsParts {
  readonly submit: TakeMessage;
  /** Whose connection it is. */
  readonly address: string;
  readonly say: (message: ServerMessage) => void;
  readonly refuse: (id: string, code: ErrorCode, message: string, retryMs?: number) => void;
  /** Runs when all that shows the message has been sent. */
  readonly afterShown: (frontier: Frontier, run: () => void) => void;
}

/** The messages that one connection submitted and has not been answered to the end, by id. */
export class SessionSubmissions {
  readonly #parts: SubmissionsParts;
  readonly #open = new Map<string, () => void>();

  constructor(parts: SubmissionsParts) {
    this.#parts = parts;
  }

  /** Submits a message; one of the same id is answered anew. */
  submit(message: Submit): void {
    const { id } = message;
    this.end(id);
    let open = true;
    const over = (): void => {
      open = false;
      this.#open.delete(id);
    };
    const { submit, address, say, refuse, afterShown } = this.#parts;
    const stop = submit(message, address, {
      accepted: () => say({ type: 'accepted', id }),
      archived: (timestamp) => {
        over();
        afterShown(timestamp, () => say({ type: 'archived', id, timestamp }));
      },
      refused: ({ code, message: why, retryMs }) => {
        over();
        refuse(id, code, why, retryMs);
      },
    });
    if (open) this.#open.set(id, stop);
  }

  /** Listens no longer; whether there was a message of that id. */
  end(id: string): boolean {
    this.#open.get(id)?.();
    return this.#open.delete(id);
  }

  stop(): void {
    for (const id of [...this.#open.keys()]) this.end(id);
  }
}
