import { createHash } from 'node:crypto';
import { accessSync, closeSync, constants, existsSync, openSync, readSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FolderLockedError, lockFolder } from '../embedded/lock.ts';
import { makeFolder } from '../embedded/make-folder.ts';
import type { InputChoice } from './input-choice.ts';
import { messageOf } from './message-of.ts';
import type { KafkaAddresses } from './sql-sources.ts';

/** How much of a recording makes its store's name; one that grows keeps its store. */
const HASHED_BYTES = 64 * 1024;

/**
 * Makes the data folder and takes it for this instance alone. Returns the release.
 *
 * @throws Error in one sentence when the folder cannot be written or another instance has it.
 */
export function takeDataFolder(data: string): () => void {
  try {
    makeFolder(data);
    return lockFolder(data);
  } catch (error) {
    if (error instanceof FolderLockedError) {
      throw new Error(
        `another viewcast (process ${error.pid}) uses the data folder ${data}: stop it, or choose another folder with --data DIR`,
        { cause: error },
      );
    }
    throw new Error(
      `cannot write to the data folder ${data} (${reasonOf(error)}): make it writable, or choose another with --data DIR`,
      { cause: error },
    );
  }
}

/**
 * Asks before anything starts, as the file is opened only once Wikimedia answers.
 *
 * @throws Error in one sentence when nothing could be written to the recording `file`.
 */
export function checkRecordFile(file: string): void {
  try {
    accessSync(existsSync(file) ? file : dirname(file), constants.W_OK);
  } catch (error) {
    throw new Error(
      `cannot record into ${file} (${reasonOf(error)}): name a file in a folder that can be written with --record`,
      { cause: error },
    );
  }
}

/**
 * The name of the store that an input feeds: recorded, generated and live rows never meet in one
 * (design §12, Inputs), nor rows of two Kafkas, whose offsets have nothing to do with each other. A
 * recording's holds its file name and a hash of its first 64 KiB.
 *
 * @throws Error in one sentence when the recording cannot be read.
 */
export function storeName(input: InputChoice, kafka: KafkaAddresses | null): string {
  if (kafka !== null) return `kafka-${safeName(kafka.kafka)}`;
  switch (input.kind) {
    case 'live':
      return 'live';
    case 'generated':
      return 'generated';
    case 'recorded':
      return `recorded-${safeName(input.file)}-${hashStart(input.file)}`;
  }
}

/** The folder of a store. */
export function storeFolder(
  data: string,
  input: InputChoice,
  kafka: KafkaAddresses | null,
): string {
  return join(data, storeName(input, kafka));
}

function safeName(file: string): string {
  const stem = basename(file).replace(/(?:\.(?:sse|jsonl|json|gz))+$/i, '');
  return stem.replaceAll(/[^\w.-]+/g, '-').slice(0, 60);
}

function hashStart(file: string): string {
  const buffer = Buffer.alloc(HASHED_BYTES);
  try {
    const descriptor = openSync(file, 'r');
    try {
      const read = readSync(descriptor, buffer, 0, HASHED_BYTES, 0);
      return createHash('sha256').update(buffer.subarray(0, read)).digest('hex').slice(0, 8);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw new Error(`cannot read the recording ${file} (${reasonOf(error)}): check --replay`, {
      cause: error,
    });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code);
  return messageOf(error);
}
