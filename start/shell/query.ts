import { connect } from 'node:net';
import type pg from 'pg';

/** What the server says while a query runs, in its order. */
export interface Printer {
  /** A table begins. */
  columns(fields: readonly Field[]): void;
  row(values: readonly (string | null)[]): void;
  /** The statement is through; `tag` is such as `SELECT 3` or `CREATE VIEW`. */
  complete(tag: string): void;
  /** One piece of COPY … TO STDOUT, as sent. */
  copied(chunk: Buffer): void;
}

/** A column of a result. */
export interface Field {
  readonly name: string;
  readonly typeOid: number;
}

/** The messages of pg's wire layer that a query gets; a boundary, as pg has no types for it. */
interface WireConnection {
  query(text: string): void;
  sendCopyFail(reason: string): void;
}

/**
 * Runs a text of one or several statements in one simple query, streaming to `printer`. Rejects
 * with the database's error, which ends the whole text.
 */
export function runQuery(client: pg.Client, text: string, printer: Printer): Promise<void> {
  return new Promise((resolve, reject) => {
    const query = {
      submit(connection: unknown): void {
        (connection as WireConnection).query(text);
      },
      handleRowDescription(message: {
        readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
      }): void {
        printer.columns(
          message.fields.map(({ name, dataTypeID }) => ({ name, typeOid: dataTypeID })),
        );
      },
      handleDataRow(message: { readonly fields: readonly (string | null)[] }): void {
        printer.row(message.fields);
      },
      handleCommandComplete(message: { readonly text: string }): void {
        printer.complete(message.text);
      },
      handleCopyData(message: { readonly chunk: Buffer }): void {
        printer.copied(message.chunk);
      },
      handleCopyInResponse(connection: WireConnection): void {
        connection.sendCopyFail('this shell has no input for COPY FROM STDIN: use psql');
      },
      handleEmptyQuery(): void {},
      handlePortalSuspended(): void {},
      handleReadyForQuery(): void {
        resolve();
      },
      handleError(error: Error): void {
        reject(error);
      },
    };
    client.query(query);
  });
}

/** What identifies a session to a cancel request. */
export interface CancelKey {
  readonly host: string;
  readonly port: number;
  readonly processId: number;
  readonly secretKey: number;
}

/** Asks the server to end what the session runs (protocol: CancelRequest, on a connection of its own). */
export function requestCancel({ host, port, processId, secretKey }: CancelKey): void {
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(80_877_102, 4);
  request.writeInt32BE(processId, 8);
  request.writeInt32BE(secretKey, 12);
  const socket = connect({ host, port }, () => socket.end(request));
  // Not reached means not cancelled, which the person sees.
  socket.on('error', () => {});
}
