/** The answer to whether an event stream can be read from here now. */
export type Reachability =
  | { readonly reachable: true }
  | { readonly reachable: false; readonly reason: string };

function judge(status: number): Reachability {
  if ((status >= 200 && status < 300) || status === 429) return { reachable: true };
  const reason =
    status === 403
      ? 'answered 403: it wants a contact in the User-Agent, set VIEWCAST_CONTACT'
      : `answered ${status}`;
  return { reachable: false, reason };
}

/**
 * Asks whether the stream at `url` answers within `timeoutMs`. Reachable is any 2xx, and 429: the
 * service is there and only asks to wait, which the live input does. All else (5xx, 403, no answer
 * in time, no network) is not, with a reason for people. Reads no event, leaves no connection, and
 * never rejects.
 */
export async function reachable(
  url: string,
  timeoutMs: number,
  userAgent: string,
): Promise<Reachability> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  try {
    const headers = { accept: 'text/event-stream', 'user-agent': userAgent };
    const response = await fetch(url, { headers, signal: controller.signal });
    return judge(response.status);
  } catch (error) {
    if (controller.signal.aborted) {
      return { reachable: false, reason: `no answer within ${timeoutMs} ms` };
    }
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { reachable: false, reason: cause instanceof Error ? cause.message : String(cause) };
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}
