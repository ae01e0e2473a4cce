/**
 * The User-Agent that Wikimedia's policy asks for: program, version and whom to reach.
 * Source: https://foundation.wikimedia.org/wiki/Policy:Wikimedia_Foundation_User-Agent_Policy.
 *
 * @param contact an e-mail address or a URL; null when the operator gave none.
 */
export function userAgent(version: string, contact: string | null, nodeVersion: string): string {
  const reach = (contact ?? 'contact not given, see VIEWCAST_CONTACT').replace(
    /[^\x20-\x7e]|[()]/g,
    '',
  );
  return `viewcast/${version} (${reach}) node/${nodeVersion}`;
}
