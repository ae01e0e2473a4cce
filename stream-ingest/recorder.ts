import { type FileHandle, open } from 'node:fs/promises';
import type { Arrival } from './arrival.ts';
import { RecordingError } from './recording.ts';

/** What ends the last event of a file: nothing when it is whole, a blank line when it is torn. */
async function missingEnd(handle: FileHandle, size: number): Promise<string> {
  if (size === 0) return '';
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, Math.max(0, size - 2));
  return buffer.subarray(0, bytesRead).toString('latin1') === '\n\n' ? '' : '\n\n';
}

async function checkIsRecording(handle: FileHandle, file: string): Promise<void> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
  const head = buffer.subarray(0, bytesRead).toString('latin1');
  if (!/^(:|event:|id:|data:)/.test(head)) {
    throw new RecordingError(
      `expected ${file} to be new or a recording of server-sent events; choose another file`,
    );
  }
}

/**
 * Appends what an input delivers to a file of server-sent events, verbatim and replayable. An event
 * torn by a crash gets its blank line when the file is opened again: it is then a malformed event
 * of its own, and nothing that stood in the file is lost.
 */
export class Recorder {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** @throws {RecordingError} for a name ending in .gz, a file that is something else, or no access. */
  static async open(file: string): Promise<Recorder> {
    if (/\.gz$/i.test(file)) {
      throw new RecordingError(
        `recordings are written as plain text: name ${file} without .gz, and gzip it afterwards`,
      );
    }
    const handle = await open(file, 'a+').catch((error: unknown) => {
      throw new RecordingError(`cannot write a recording: ${String(error)}`);
    });
    try {
      const { size } = await handle.stat();
      if (size > 0) await checkIsRecording(handle, file);
      await handle.appendFile(await missingEnd(handle, size));
      return new Recorder(handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Resolves when the system has the bytes; an event is a single write. */
  async write({ json, position }: Arrival): Promise<void> {
    const data = json.replaceAll('\n', '\ndata: ');
    await this.#handle.appendFile(`event: message\nid: ${position}\ndata: ${data}\n\n`);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Passes arrivals on, each after it has been recorded. Closes the recorder at the end. */
export async function* recorded(
  arrivals: AsyncIterable<Arrival>,
  recorder: Recorder,
): AsyncGenerator<Arrival, void, undefined> {
  try {
    for await (const arrival of arrivals) {
      await recorder.write(arrival);
      yield arrival;
    }
  } finally {
    await recorder.close();
  }
}
