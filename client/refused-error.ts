import type { ErrorMessage } from '../protocol/message.ts';

/** Something was refused: the server's code, and when to ask again if that can help. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code: string;
  readonly retryMs: number | undefined;

  constructor({ code, message, retryMs }: Pick<ErrorMessage, 'code' | 'message' | 'retryMs'>) {
    super(message);
    this.code = code;
    this.retryMs = retryMs;
  }
}
