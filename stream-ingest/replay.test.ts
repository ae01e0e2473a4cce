import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { mappedDayOf2015, minuteOf2021, recordingsMissing } from '../tests/recordings.ts';
import type { Arrival } from './arrival.ts';
import { Recorder, recorded } from './recorder.ts';
import { readRecording } from './recording.ts';
import { countEvents, describeRecording, replay, type Speed } from './replay.ts';
import { virtualClock } from './virtual-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'viewcast-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));
const never = new AbortController().signal;

/** Ten events a second apart, the fourth out of order. */
const events = [0, 1, 2, 1.5, 4, 5, 6, 7, 8, 9].map((second, n) =>
  JSON.stringify({
    meta: { id: `e${n}`, dt: new Date(Date.UTC(2021, 7, 27) + second * 1000).toISOString() },
    title: `é${n}`,
  }),
);
const sse = `:ok\n\n${events.map((json, n) => `event: message\nid: ${n}\ndata: ${json}\n\n`).join('')}`;
const jsonLines = `${events.join('\n')}\n`;

function fileWith(name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

async function all<T>(iterable: AsyncIterable<T>): Promise<readonly T[]> {
  const list: T[] = [];
  for await (const each of iterable) list.push(each);
  return list;
}

async function replayAll(file: string, speed: Speed, position: string | null = null) {
  const clock = virtualClock();
  const startMs = clock.now();
  const arrivals = await all(replay({ file, speed, position, clock, signal: never }));
  return { arrivals, tookMs: clock.now() - startMs };
}

test('server-sent events and JSON lines, gzipped or not, are told apart by their bytes', async () => {
  for (const [name, content] of [
    ['a', sse],
    ['b', jsonLines],
    ['c', gzipSync(sse)],
    ['d.sse', gzipSync(jsonLines)],
    ['e', Buffer.concat([gzipSync(jsonLines.slice(0, 100)), gzipSync(jsonLines.slice(100))])],
  ] as const) {
    expect(await all(readRecording(fileWith(name, content))), name).toEqual(events);
  }
});

test('a recording cut off anywhere gives its whole events, gzipped too', async () => {
  const packed = gzipSync(sse, { level: 0 });
  const places = fc.asyncProperty(fc.nat(sse.length), fc.boolean(), async (place, gzip) => {
    const cut = Math.max(3, place);
    const file = fileWith(
      'cut',
      gzip ? packed.subarray(0, cut) : Buffer.from(sse).subarray(0, cut),
    );
    const found = await all(readRecording(file));
    expect(found).toEqual(events.slice(0, found.length));
    const whole =
      Buffer.from(sse)
        .subarray(0, gzip ? 0 : cut)
        .toString()
        .split('}\n\n').length - 1;
    expect(found.length).toBeGreaterThanOrEqual(whole);
  });
  await fc.assert(places, { numRuns: 60 });
});

test('the events keep their own pace, multiplied', async () => {
  const file = fileWith('pace.sse', sse);
  expect((await replayAll(file, 1)).tookMs).toBe(9000);
  expect((await replayAll(file, 10)).tookMs).toBe(900);
  expect((await replayAll(file, 'max')).tookMs).toBe(0);
});

test('a replay goes on after the last stored event, wherever that was', async () => {
  const file = fileWith('resume.sse', sse);
  const whole = (await replayAll(file, 'max')).arrivals;
  for (const [n, { position }] of whole.entries()) {
    expect((await replayAll(file, 'max', position)).arrivals).toEqual(whole.slice(n + 1));
  }
});

test('a store with another recording is refused', async () => {
  const file = fileWith('one.sse', sse);
  const position = (await replayAll(file, 'max')).arrivals.at(-1)?.position ?? null;
  const other = fileWith('two.sse', sse.replace('e0', 'f0'));
  await expect(replayAll(other, 'max', position)).rejects.toThrow('another recording');
});

test('what is no recording is refused with a sentence', async () => {
  await expect(describeRecording(fileWith('empty', ''))).rejects.toThrow('found no event');
  await expect(describeRecording(join(folder, 'nowhere'))).rejects.toThrow('cannot be read');
  const damaged = gzipSync(sse);
  damaged[20] = (damaged[20] ?? 0) ^ 0xff;
  await expect(countEvents(fileWith('damaged', damaged), never)).rejects.toThrow('cannot be read');
});

async function record(file: string, jsons: readonly string[]): Promise<void> {
  async function* arrivals(): AsyncGenerator<Arrival> {
    for (const [n, json] of jsons.entries()) yield { json, position: `[{"timestamp":${n}}]` };
  }
  await all(recorded(arrivals(), await Recorder.open(file)));
}

test('what is recorded replays as it came, over several sessions', async () => {
  const file = join(folder, 'recorded.sse');
  const broken = ['{"torn', 'two\nlines'];
  await record(file, events.slice(0, 4));
  await record(file, broken);
  await record(file, events.slice(4));
  expect(await all(readRecording(file))).toEqual([
    ...events.slice(0, 4),
    ...broken,
    ...events.slice(4),
  ]);
});

test('recording goes on after a crash at any byte', async () => {
  const file = join(folder, 'crashed.sse');
  await record(file, events.slice(0, 3));
  const bytes = readFileSync(file);
  for (let length = 1; length < bytes.length; length += 7) {
    writeFileSync(file, bytes.subarray(0, length));
    const before = await all(readRecording(file));
    if (!/^(:|event:)/.test(bytes.subarray(0, length).toString())) continue;
    await record(file, events.slice(3));
    const after = await all(readRecording(file));
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.slice(-7)).toEqual(events.slice(3));
  }
});

test('a recorder writes over nothing that is no recording', async () => {
  const file = fileWith('notes.txt', 'Dear diary');
  await expect(Recorder.open(file)).rejects.toThrow('choose another file');
  await expect(Recorder.open(join(folder, 'a.sse.gz'))).rejects.toThrow('without .gz');
  await expect(Recorder.open(join(folder, 'no/folder.sse'))).rejects.toThrow('cannot write');
  expect(readFileSync(file, 'utf8')).toBe('Dear diary');
});

test.skipIf(recordingsMissing !== null)(
  `the recordings are read whole (${recordingsMissing ?? 'recordings found'})`,
  async () => {
    expect(await countEvents(minuteOf2021, never)).toBe(1950);
    expect(await countEvents(mappedDayOf2015, never)).toBe(39_244);
    expect((await describeRecording(minuteOf2021)).day).toBe('2021-08-27');
    expect((await describeRecording(mappedDayOf2015)).day).toBe('2015-09-12');
  },
);
