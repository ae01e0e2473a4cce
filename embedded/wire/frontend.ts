import { EngineError } from '../engine.ts';
import type { Frame } from './frames.ts';

/** The parameters of a Bind message. */
export interface Parameters {
  /** As the client encoded them (formats, count, values), to be passed on untouched. */
  readonly raw: Buffer;
  /** 0 text, 1 binary: none (all text), one for all, or one each. */
  readonly formats: readonly number[];
  readonly values: readonly (Buffer | null)[];
}

/** What a client says after start-up (PostgreSQL protocol 3). */
export type FrontendMessage =
  | { readonly type: 'query'; readonly sql: string }
  | {
      readonly type: 'parse';
      readonly name: string;
      readonly sql: string;
      readonly parameterTypes: readonly number[];
    }
  | {
      readonly type: 'bind';
      readonly portal: string;
      readonly statement: string;
      readonly parameters: Parameters;
      /** 0 text, 1 binary: none (all text), one for all, or one each. */
      readonly resultFormats: readonly number[];
    }
  | { readonly type: 'describe'; readonly what: 'S' | 'P'; readonly name: string }
  | { readonly type: 'close'; readonly what: 'S' | 'P'; readonly name: string }
  | { readonly type: 'execute'; readonly portal: string; readonly maxRows: number }
  | { readonly type: 'flush' | 'sync' | 'terminate' | 'copy-done' }
  | { readonly type: 'copy-data'; readonly body: Buffer }
  | { readonly type: 'copy-fail'; readonly reason: string };

/** What a client says first. */
export type StartupMessage =
  | { readonly type: 'ssl-request' | 'gss-request' }
  | { readonly type: 'cancel'; readonly processId: number; readonly secret: number }
  | {
      readonly type: 'startup';
      readonly minorVersion: number;
      readonly parameters: ReadonlyMap<string, string>;
    };

const CANCEL = 80877102;
const SSL = 80877103;
const GSS = 80877104;

/** @throws {EngineError} 08P01 for bytes that are no start-up packet, 0A000 for another version. */
export function parseStartup(body: Buffer): StartupMessage {
  const reader = new BodyReader('a start-up packet', body);
  const code = reader.int32();
  if (code === SSL) return { type: 'ssl-request' };
  if (code === GSS) return { type: 'gss-request' };
  if (code === CANCEL) {
    return { type: 'cancel', processId: reader.int32(), secret: reader.int32() };
  }
  if (code >>> 16 !== 3) {
    throw new EngineError(
      '0A000',
      `protocol 3 is spoken here, the client asked for ${code >>> 16}`,
    );
  }
  const parameters = new Map<string, string>();
  for (let name = reader.text(); name !== ''; name = reader.text()) {
    parameters.set(name, reader.text());
  }
  return { type: 'startup', minorVersion: code & 0xffff, parameters };
}

/** @throws {EngineError} 08P01 for an unknown type or a body that does not fit it. */
export function parseMessage(frame: Frame): FrontendMessage {
  const letter = String.fromCharCode(frame.type);
  const reader = new BodyReader(`a message of type '${letter}'`, frame.body);
  const message = parseBody(letter, reader);
  if (message.type !== 'copy-data') reader.end();
  return message;
}

function parseBody(letter: string, reader: BodyReader): FrontendMessage {
  switch (letter) {
    case 'Q':
      return { type: 'query', sql: reader.text() };
    case 'P':
      return {
        type: 'parse',
        name: reader.text(),
        sql: reader.text(),
        parameterTypes: reader.list(() => reader.int32()),
      };
    case 'B':
      return parseBind(reader);
    case 'D':
      return { type: 'describe', what: reader.what(), name: reader.text() };
    case 'C':
      return { type: 'close', what: reader.what(), name: reader.text() };
    case 'E':
      return { type: 'execute', portal: reader.text(), maxRows: reader.int32() };
    case 'H':
      return { type: 'flush' };
    case 'S':
      return { type: 'sync' };
    case 'X':
      return { type: 'terminate' };
    case 'd':
      return { type: 'copy-data', body: reader.rest() };
    case 'c':
      return { type: 'copy-done' };
    case 'f':
      return { type: 'copy-fail', reason: reader.text() };
    default:
      throw new EngineError(
        '08P01',
        `there is no message of type '${letter}' for a client to send`,
      );
  }
}

function parseBind(reader: BodyReader): FrontendMessage {
  const portal = reader.text();
  const statement = reader.text();
  const start = reader.position;
  const formats = reader.list(() => reader.int16());
  const values = reader.list(() => reader.value());
  const raw = reader.since(start);
  const resultFormats = reader.list(() => reader.int16());
  return { type: 'bind', portal, statement, parameters: { raw, formats, values }, resultFormats };
}

/** Reads a message's fields in order; every overrun is 08P01. */
class BodyReader {
  readonly #what: string;
  readonly #body: Buffer;
  position = 0;

  constructor(what: string, body: Buffer) {
    this.#what = what;
    this.#body = body;
  }

  int16(): number {
    return this.#advance(2).readInt16BE();
  }

  int32(): number {
    return this.#advance(4).readInt32BE();
  }

  text(): string {
    const end = this.#body.indexOf(0, this.position);
    if (end === -1) throw this.#broken('a text without its closing zero byte');
    const text = this.#body.toString('utf8', this.position, end);
    this.position = end + 1;
    return text;
  }

  value(): Buffer | null {
    const length = this.int32();
    return length === -1 ? null : this.#advance(length);
  }

  list<T>(read: () => T): readonly T[] {
    const count = this.#advance(2).readUInt16BE();
    return Array.from({ length: count }, read);
  }

  what(): 'S' | 'P' {
    const letter = String.fromCharCode(this.#advance(1).readUInt8());
    if (letter !== 'S' && letter !== 'P')
      throw this.#broken(`'S' or 'P' expected, not '${letter}'`);
    return letter;
  }

  rest(): Buffer {
    return this.#advance(this.#body.byteLength - this.position);
  }

  since(start: number): Buffer {
    return this.#body.subarray(start, this.position);
  }

  end(): void {
    const left = this.#body.byteLength - this.position;
    if (left > 0) throw this.#broken(`${left} bytes too many`);
  }

  #advance(bytes: number): Buffer {
    const end = this.position + bytes;
    if (bytes < 0 || end > this.#body.byteLength) throw this.#broken('it ends too early');
    const part = this.#body.subarray(this.position, end);
    this.position = end;
    return part;
  }

  #broken(how: string): EngineError {
    return new EngineError('08P01', `${this.#what} is broken: ${how}`);
  }
}
