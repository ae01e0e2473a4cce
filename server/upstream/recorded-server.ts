/**
 * A server for tests that plays the server's side of a recorded stream over TCP to a real client,
 * cutting its bytes, or the connection, where the test says.
 */

import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import * as backend from './backend-messages.ts';
import type { Recording } from './recording.ts';

export interface RecordedServerOptions {
  readonly recording: Recording;
  /** Sizes in bytes of the pieces in which a stream is written, over and over; [] for all at once. */
  readonly pieces: readonly number[];
  /** For each connection with a stream, in turn: cut it after so many bytes of the stream. */
  readonly cuts: readonly number[];
  /** Whether AS OF of an earlier connection's frontier is answered, or refused. */
  readonly history: boolean;
}

type Row = readonly (string | null)[];
const VERSION = 'v0.26.1-dev (bb01a8600)';

export class RecordedServer {
  readonly #options: RecordedServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** The statements that opened streams, in order. */
  readonly statements: string[] = [];
  #streams = 0;
  /** The latest progress that was written whole. */
  #sent = 0;

  constructor(options: RecordedServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    return `postgres://materialize@127.0.0.1:${port}/materialize`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** How many bytes the whole recorded stream takes. */
  get streamBytes(): number {
    return this.#options.recording.rows.reduce((sum, row) => sum + backend.dataRow(row).length, 0);
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let buffer = Buffer.alloc(0);
    let started = false;
    let rows: readonly Row[] = [];
    socket.on('data', (bytes) => {
      buffer = Buffer.concat([buffer, bytes]);
      for (;;) {
        const head = started ? 1 : 0;
        if (buffer.length < head + 4) return;
        const length = buffer.readInt32BE(head) + head;
        if (buffer.length < length) return;
        const type = started ? String.fromCharCode(buffer[0] ?? 0) : 'startup';
        const body = buffer.subarray(head + 4, length);
        buffer = buffer.subarray(length);
        if (!started) {
          started = true;
          socket.write(greeting());
        } else if (type === 'Q') socket.write(this.#answer(text(body, 0)));
        else if (type === 'P') rows = this.#rowsOf(text(body, 1));
        else if (type === 'D') socket.write(this.#description());
        else if (type === 'E') void this.#play(socket, rows);
        else if (type === 'X') socket.end();
      }
    });
  }

  #answer(sql: string): Buffer {
    if (/AS OF/.test(sql) && !this.#reaches(sql)) {
      const message = 'Timestamp (1) is not valid for all inputs: [Antichain { elements: [2] }]';
      return Buffer.concat([backend.errorResponse('XX000', message), backend.readyForQuery('E')]);
    }
    const { fields } = this.#options.recording;
    if (sql === 'SELECT mz_version()') return table(['mz_version'], [[VERSION]]);
    if (sql.includes('mz_cluster_id')) return table(['id'], [['cluster-1']]);
    if (sql.includes('mz_objects')) return table(['id'], [['u1']]);
    if (!sql.startsWith('SHOW COLUMNS')) return table([], []);
    const columns = fields.slice(3).map(({ name, typeOid }) => [name, 'f', String(typeOid)]);
    return table(['name', 'nullable', 'type'], columns);
  }

  /** A server that starts has no history, one that goes on has it where the test says so. */
  #reaches(sql: string): boolean {
    return this.#options.history && sql.includes('SNAPSHOT = false');
  }

  #rowsOf(statement: string): readonly Row[] {
    this.statements.push(statement);
    const { rows } = this.#options.recording;
    const asOf = /AS OF (\d+)/.exec(statement)?.[1];
    if (asOf !== undefined) return [progress(asOf, rows), ...after(rows, Number(asOf))];
    if (this.#streams === 0) return rows;
    // A new snapshot, two progress rows later than what the cut streams may have shown.
    const times = rows.filter((row) => row[1] === 't').map((row) => Number(row[0]));
    const later = times.filter((time) => time > this.#sent);
    const at = (later[2] ?? later.at(-1) ?? 0) - 1;
    return [...snapshot(rows, at), progress(String(at + 1), rows), ...after(rows, at)];
  }

  #description(): Buffer {
    const { fields } = this.#options.recording;
    const { parseComplete, bindComplete, rowDescription } = backend;
    return Buffer.concat([parseComplete, bindComplete, rowDescription(fields)]);
  }

  async #play(socket: Socket, rows: readonly Row[]): Promise<void> {
    const bytes = Buffer.concat(rows.map(backend.dataRow));
    // A notice comes first, and may come between any two rows.
    socket.write(backend.noticeResponse('01000', 'streaming TAIL rows directly requires a client'));
    const cut = this.#options.cuts[this.#streams++];
    const end = Math.min(bytes.length, cut ?? bytes.length);
    this.#sent = Math.max(this.#sent, lastProgress(rows, end));
    for (let at = 0, n = 0; at < end; n++) {
      const { pieces } = this.#options;
      const size = pieces[n % pieces.length] ?? end;
      socket.write(bytes.subarray(at, Math.min(end, at + size)));
      at += size;
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (cut !== undefined) socket.end();
  }
}

function greeting(): Buffer {
  return Buffer.concat([
    backend.authenticationOk,
    backend.backendKeyData(1, 411680634),
    backend.noticeResponse('00000', 'connected to Materialize'),
    backend.readyForQuery('I'),
  ]);
}

function table(names: readonly string[], rows: readonly Row[]): Buffer {
  const fields = names.map((name) => ({ name, typeOid: 25 }));
  const head = names.length === 0 ? [] : [backend.rowDescription(fields)];
  const tag = backend.commandComplete(`SELECT ${rows.length}`);
  return Buffer.concat([...head, ...rows.map(backend.dataRow), tag, backend.readyForQuery('T')]);
}

function text(body: Buffer, from: number): string {
  return body.subarray(from, body.indexOf(0, from)).toString('utf8');
}

function progress(time: string, rows: readonly Row[]): Row {
  return [time, 't', ...(rows[0]?.slice(2).map(() => null) ?? [])];
}

/** The last progress within the first `bytes` of the rows. */
function lastProgress(rows: readonly Row[], bytes: number): number {
  let last = 0;
  let at = 0;
  for (const row of rows) {
    at += backend.dataRow(row).length;
    if (at <= bytes && row[1] === 't') last = Number(row[0]);
  }
  return last;
}

function after(rows: readonly Row[], time: number): readonly Row[] {
  return rows.filter((row) => Number(row[0]) > time);
}

/** The view at a time as a snapshot shows it: all rows carry that time. */
function snapshot(rows: readonly Row[], at: number): readonly Row[] {
  const folded = new Map<string, number>();
  for (const row of rows) {
    if (row[1] !== 'f' || Number(row[0]) > at) continue;
    const key = JSON.stringify(row.slice(3));
    folded.set(key, (folded.get(key) ?? 0) + Number(row[2]));
  }
  return [...folded]
    .filter(([, diff]) => diff !== 0)
    .map(([key, diff]) => [String(at), 'f', String(diff), ...(JSON.parse(key) as Row)]);
}
