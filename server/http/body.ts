import type { HttpResponse } from '../uws.ts';

/**
 * Reads a request's body of at most so many bytes; `then` is called once, with null when it is
 * longer, and not at all when the request is cut. To be called in the turn of the handler.
 */
export function readBody(
  response: HttpResponse,
  mostBytes: number,
  then: (body: Buffer | null) => void,
): void {
  const parts: Buffer[] = [];
  let bytes = 0;
  let done = false;
  response.onData((part, isLast) => {
    if (done) return;
    bytes += part.byteLength;
    // The library lends the part for this call only.
    if (bytes <= mostBytes) parts.push(Buffer.from(part.slice(0)));
    done = isLast || bytes > mostBytes;
    if (done) then(bytes > mostBytes ? null : Buffer.concat(parts));
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The body as text; null when it is no UTF-8. */
export function textOf(body: Uint8Array): string | null {
  try {
    return utf8.decode(body);
  } catch {
    return null;
  }
}

/** Whether a Content-Type is this one, in UTF-8 where it says in what. */
export function isOfType(given: string | undefined, type: string): boolean {
  const [own, ...parameters] = (given ?? '').split(';').map((part) => part.trim().toLowerCase());
  const charsets = parameters.filter((parameter) => parameter.startsWith('charset='));
  return own === type && charsets.every((charset) => /^charset="?utf-8"?$/.test(charset));
}
