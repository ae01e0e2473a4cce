import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';

/**
 * Recorded data stands outside of the project: in VIEWCAST_DATA, by default ../shared/data. A test
 * without it is skipped and says so. With REQUIRE_ALL=1 it fails where VIEWCAST_DATA is set: no
 * package manager brings the recordings, as it does all else that is required.
 */
const folder = resolve(
  process.env.VIEWCAST_DATA ?? resolve(import.meta.dirname, '../../shared/data'),
);

/** A minute of the public stream as curl received it: 1,950 events. */
export const minuteOf2021 = resolve(folder, 'recentchange-2021-08-27.sse.gz');

/** A sampled day mapped onto the shape of recentchange: 39,244 edits, one JSON object a line. */
export const mappedDayOf2015 = resolve(folder, 'wikiticker-2015-09-12-mapped.jsonl.gz');

/** Why tests of the recordings are skipped; null when they are there, or must be. */
export const recordingsMissing: string | null =
  (process.env.REQUIRE_ALL === '1' && process.env.VIEWCAST_DATA !== undefined) ||
  (existsSync(minuteOf2021) && existsSync(mappedDayOf2015))
    ? null
    : `no recordings in ${folder}, set VIEWCAST_DATA`;

/** A recording unpacked. */
export function readUnpacked(file: string): string {
  return gunzipSync(readFileSync(file)).toString();
}
