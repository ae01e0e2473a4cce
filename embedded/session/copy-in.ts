import type { Statement } from '../dialect/statement.ts';
import { EngineError } from '../engine.ts';
import { copyResponse, errorResponse, NO_DATA } from '../wire/backend.ts';
import { COPY_END, copyData, describe, parse, query, SYNC } from '../wire/request.ts';
import { ALREADY_SENT } from './backend-portal.ts';
import type { Context, Portal } from './context.ts';
import { GONE, IDLE_TOO_LONG, throwIfCancelled } from './gone.ts';

/** The most that one COPY may bring, in bytes: it is held in memory until its end. */
const MAX_COPY_BYTES = 512 * 1024 * 1024;

const COPY_IN = 'G'.charCodeAt(0);
const ROW_DESCRIPTION = 'T'.charCodeAt(0);
const ERROR = 'E'.charCodeAt(0);

/**
 * COPY … FROM STDIN. The engine must get statement and data in one piece, so the session speaks the
 * copy-in part itself and hands everything over at its end.
 */
export class CopyInPortal implements Portal {
  readonly #context: Context;
  readonly #statement: Extract<Statement, { kind: 'copy-in' }>;

  constructor(context: Context, statement: Extract<Statement, { kind: 'copy-in' }>) {
    this.#context = context;
    this.#statement = statement;
  }

  async describe(): Promise<Uint8Array> {
    return NO_DATA;
  }

  async execute(): Promise<void> {
    const columns = await this.#countColumns();
    const { out } = this.#context;
    out.send(copyResponse('G', this.#statement.binary ? 1 : 0, columns));
    out.flush();
    const data = await this.#collect();
    const { sql } = this.#statement;
    const frames = Buffer.concat([query(sql), ...data, COPY_END]);
    const work = { frames, sql, writes: true, outsideTransaction: false, continues: false };
    const failed = await this.#context.backend.run(work, (frame) => {
      if (frame.type !== COPY_IN) out.send(Buffer.from(frame.whole));
    });
    if (failed) throw ALREADY_SENT;
  }

  close(): void {}

  /** Asks PostgreSQL what the columns are, which also finds a wrong name before data is sent. */
  async #countColumns(): Promise<number> {
    const sql = this.#statement.shape;
    const frames = Buffer.concat([parse(sql, []), describe('S'), SYNC]);
    const work = { frames, sql, writes: false, outsideTransaction: false, continues: false };
    let columns = 0;
    const failed = await this.#context.backend.run(work, (frame) => {
      if (frame.type === ROW_DESCRIPTION) columns = frame.body.readUInt16BE(0);
      if (frame.type === ERROR) this.#context.out.send(Buffer.from(frame.whole));
    });
    if (failed) throw ALREADY_SENT;
    return columns;
  }

  async #collect(): Promise<readonly Uint8Array[]> {
    const data: Uint8Array[] = [];
    let bytes = 0;
    for (;;) {
      const message = await this.#context.receive();
      throwIfCancelled(this.#context.signal);
      if (message === 'timeout') this.#context.out.send(errorResponse(IDLE_TOO_LONG, 'FATAL'));
      if (message === 'closed' || message === 'timeout' || message.type === 'terminate') throw GONE;
      if (message.type === 'copy-done') return data;
      if (message.type === 'copy-fail') {
        throw new EngineError('57014', `COPY from stdin failed: ${message.reason}`);
      }
      if (message.type === 'flush' || message.type === 'sync') continue;
      if (message.type !== 'copy-data') {
        throw new EngineError('08P01', `expected COPY data, got a ${message.type} message`);
      }
      bytes += message.body.byteLength;
      if (bytes > MAX_COPY_BYTES) {
        throw new EngineError('54000', `one COPY may bring ${MAX_COPY_BYTES} bytes: split it`);
      }
      data.push(copyData(message.body));
    }
  }
}
