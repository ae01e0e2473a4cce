/** A URL as it may be shown: without its password, wherever that stands. */
export function withoutPassword(url: string): string {
  if (!/^[\w+.-]+:\/\//.test(url))
    return url.includes('@') ? `…${url.slice(url.lastIndexOf('@'))}` : url;
  return url
    .replace(/^([\w+.-]+:\/\/[^:@/?#]*):.*@/s, '$1:…@')
    .replace(/([?&]password=)[^&#]*/gi, '$1…');
}
