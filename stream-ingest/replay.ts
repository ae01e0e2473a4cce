import { createHash } from 'node:crypto';
import type { Arrival, Clock } from './arrival.ts';
import { parseRecentChange } from './recent-change.ts';
import { RecordingError, readRecording } from './recording.ts';

/** `max` is as fast as the engine takes them; a number multiplies the events' own pace. */
export type Speed = number | 'max';

/** A recording on a store: which one, and how many of its events have been read. */
export interface ReplayPosition {
  /** Of the first event: 16 hexadecimal digits of SHA-256. */
  readonly recording: string;
  readonly events: number;
}

export interface ReplayOptions {
  readonly file: string;
  readonly speed: Speed;
  /** As stored; null to begin at the beginning. */
  readonly position: string | null;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What one look at a recording's first event tells. */
export interface RecordingInfo {
  readonly fingerprint: string;
  /** The day of the first event, as YYYY-MM-DD in UTC; empty when it has no time. */
  readonly day: string;
}

/** When the event was made, in ms since the epoch; null when it does not say. */
function timeOf(json: string): number | null {
  const parsed = parseRecentChange(json);
  if (parsed.kind !== 'change') return null;
  const { meta_dt, timestamp } = parsed.change;
  if (meta_dt !== null) return Date.parse(meta_dt);
  return timestamp === null ? null : timestamp * 1000;
}

function fingerprint(json: string): string {
  return createHash('sha256').update(json).digest('hex').slice(0, 16);
}

/** @throws {RecordingError} when the file cannot be read or holds no event. */
export async function describeRecording(file: string): Promise<RecordingInfo> {
  let first: string | null = null;
  for await (const json of readRecording(file)) {
    first ??= json;
    const at = timeOf(json);
    if (at === null) continue;
    return { fingerprint: fingerprint(first), day: new Date(at).toISOString().slice(0, 10) };
  }
  if (first === null) {
    throw new RecordingError(
      `expected server-sent events or JSON lines in ${file}, found no event`,
    );
  }
  return { fingerprint: fingerprint(first), day: '' };
}

/** How many events a recording holds, for a progress bar: reads it whole. */
export async function countEvents(file: string, signal: AbortSignal): Promise<number> {
  let count = 0;
  for await (const _ of readRecording(file)) {
    if (signal.aborted) break;
    count += 1;
  }
  return count;
}

/** @throws {RecordingError} for what `replay` did not write. */
export function parseReplayPosition(position: string): ReplayPosition {
  const value: unknown = JSON.parse(position);
  if (typeof value === 'object' && value !== null && 'recording' in value && 'events' in value) {
    const { recording, events } = value;
    if (typeof recording === 'string' && typeof events === 'number') return { recording, events };
  }
  throw new RecordingError(`expected a replay's position in the store, got ${position}`);
}

function eventsToSkip(options: ReplayOptions, info: RecordingInfo): number {
  if (options.position === null) return 0;
  const position = parseReplayPosition(options.position);
  if (position.recording === info.fingerprint) return position.events;
  throw new RecordingError(
    `the store holds another recording than ${options.file}; ` +
      'start with another data folder, or remove the store to begin anew',
  );
}

/** Holds each event until its time has come, measured from the first one paced. */
class Pace {
  readonly #options: ReplayOptions;
  #start: { readonly clockMs: number; readonly eventMs: number } | null = null;

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  async wait(json: string): Promise<void> {
    const { speed, clock, signal } = this.#options;
    const eventMs = speed === 'max' ? null : timeOf(json);
    if (speed === 'max' || eventMs === null) return;
    this.#start ??= { clockMs: clock.now(), eventMs };
    const due = this.#start.clockMs + (eventMs - this.#start.eventMs) / speed;
    if (due > clock.now()) await clock.sleep(due - clock.now(), signal);
  }
}

/**
 * A recording's events in its order at the given speed, from after `position`. Events out of order
 * come at once. When the engine was away, what is due since comes at once too.
 *
 * @throws {RecordingError} when the file cannot be read, or `position` is of another recording.
 */
export async function* replay(options: ReplayOptions): AsyncGenerator<Arrival, void, undefined> {
  const info = await describeRecording(options.file);
  const skip = eventsToSkip(options, info);
  const pace = new Pace(options);
  let events = 0;
  for await (const json of readRecording(options.file)) {
    events += 1;
    if (events <= skip) continue;
    await pace.wait(json);
    if (options.signal.aborted) return;
    const position: ReplayPosition = { recording: info.fingerprint, events };
    yield { json, position: JSON.stringify(position) };
  }
}
