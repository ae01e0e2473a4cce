/** Addresses that are listened on everywhere are reached on this machine by its own. */
const EVERYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** How a program on this machine names `host` in a URL. */
export function urlHost(host: string): string {
  const reached = EVERYWHERE[host] ?? host;
  return reached.includes(':') ? `[${reached}]` : reached;
}

/** The engine as `pg` and psql take it. */
export function engineUrl(host: string, port: number): string {
  return `postgres://materialize@${urlHost(host)}:${port}/materialize`;
}

/** The page. */
export function pageUrl(host: string, port: number): string {
  return `http://${urlHost(host)}:${port}`;
}
