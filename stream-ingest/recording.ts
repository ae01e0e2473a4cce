import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { constants, createGunzip } from 'node:zlib';
import { SseDecoder } from './sse.ts';

/** A recording cannot be read: missing, or damaged in the middle. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
}

async function isGzip(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await handle.close();
  }
}

async function* readBytes(file: string): AsyncGenerator<Buffer, void, undefined> {
  const packed = await isGzip(file);
  const source = createReadStream(file);
  try {
    if (!packed) {
      yield* source;
      return;
    }
    // Z_SYNC_FLUSH: a file cut off while it was written gives what it holds, and no error.
    const unpacked = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH });
    source.on('error', (error) => unpacked.destroy(error));
    yield* source.pipe(unpacked);
  } finally {
    source.destroy();
  }
}

/** Splits bytes into lines at LF; what follows the last LF comes from `end`. */
class LineDecoder {
  readonly #text = new TextDecoder();
  #rest = '';

  push(bytes: Uint8Array): readonly string[] {
    const lines = (this.#rest + this.#text.decode(bytes, { stream: true })).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.filter((line) => line.trim() !== '');
  }

  end(): readonly string[] {
    const rest = this.#rest + this.#text.decode();
    return rest.trim() === '' ? [] : [rest];
  }
}

interface Decoder {
  push(bytes: Uint8Array): readonly string[];
  end(): readonly string[];
}

/** JSON lines begin with a brace, server-sent events with a field's name or a colon. */
function decoderFor(head: Uint8Array, onOversized: () => void): Decoder {
  const text = new TextDecoder().decode(head.subarray(0, 256)).replace(/^\uFEFF/, '');
  if (text.trimStart().startsWith('{')) return new LineDecoder();
  const sse = new SseDecoder(onOversized);
  return {
    push: (bytes) => sse.push(bytes).map((event) => event.data),
    end: () => sse.end().map((event) => event.data),
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * The events of a recording in its order, as JSON texts: server-sent events or JSON lines, plain or
 * gzipped, told apart by their first bytes. The last event counts when its JSON is whole, whatever
 * is missing after it; a torn one is left out.
 *
 * @throws {RecordingError} when the file cannot be read to its end.
 */
export async function* readRecording(
  file: string,
  onOversized: () => void = () => {},
): AsyncGenerator<string, void, undefined> {
  let decoder: Decoder | null = null;
  try {
    for await (const bytes of readBytes(file)) {
      decoder ??= decoderFor(bytes, onOversized);
      yield* decoder.push(bytes);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RecordingError(`the recording ${file} cannot be read: ${reason}`, { cause: error });
  }
  for (const json of decoder?.end() ?? []) if (isJson(json)) yield json;
}
