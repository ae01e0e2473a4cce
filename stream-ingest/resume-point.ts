/**
 * Where to resume Wikimedia's stream. The `id` of an event names, for each topic and partition, an
 * offset or a time. The times are those of the events, which are not in order: in a minute recorded
 * in 2021 they step back by up to 15 s. Resuming at the very time of the last event could therefore
 * skip later events that carry earlier times. So we rewind by a minute, and drop what we know.
 */

/** How far before the last event to resume; four times the largest step back seen. */
export const rewindMs = 60_000;

/** Beyond this much newer than the last known event, the first one after a resume shows a gap. */
export const gapMs = 15_000;

interface Place {
  readonly timestamp?: number;
}

function isPlace(value: unknown): value is Place {
  if (typeof value !== 'object' || value === null) return false;
  return !('timestamp' in value) || Number.isSafeInteger(value.timestamp);
}

/** Returns null for what is not one of Wikimedia's ids. */
function parsePlaces(lastEventId: string): readonly Place[] | null {
  let value: unknown;
  try {
    value = JSON.parse(lastEventId);
  } catch {
    return null;
  }
  return Array.isArray(value) && value.length > 0 && value.every(isPlace) ? value : null;
}

/**
 * The value for the header `Last-Event-ID`: the id with its times moved back by `byMs`. Null for
 * what is not one of Wikimedia's ids, where the stream can only be taken up from now.
 */
export function rewind(lastEventId: string, byMs = rewindMs): string | null {
  const places = parsePlaces(lastEventId);
  if (places === null) return null;
  return JSON.stringify(
    places.map((place) =>
      place.timestamp === undefined
        ? place
        : { ...place, timestamp: Math.max(0, place.timestamp - byMs) },
    ),
  );
}

/** The newest time an id names, in milliseconds since the epoch; null when it names none. */
export function timeOf(lastEventId: string): number | null {
  const times = (parsePlaces(lastEventId) ?? []).flatMap((place) => place.timestamp ?? []);
  return times.length === 0 ? null : Math.max(...times);
}
