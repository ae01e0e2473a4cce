import { messageOf, UpstreamError } from '../errors.ts';
import { sqlState } from './relation.ts';

const CERTIFICATE =
  /^(?:(?:DEPTH_ZERO_)?SELF_SIGNED_CERT|UNABLE_TO_(?:GET|VERIFY)|CERT_|ERR_TLS_CERT)/;

/** What may be done about a connection that failed; null where the message says it all. */
function advice(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const message = messageOf(error);
  if (/no encryption|\b(?:TLS|SSL)\b.*\brequired\b/i.test(message)) {
    return 'the upstream wants TLS: add ?sslmode=verify-full to VIEWCAST_UPSTREAM';
  }
  if (sqlState(error) === '28P01' || sqlState(error) === '28000') {
    return 'check the user and password of the upstream (VIEWCAST_UPSTREAM, or PGPASSWORD); in a URL, special characters of a password are written as %XX';
  }
  if (/password must be a (?:non-empty )?string|no password supplied/i.test(message)) {
    return 'the upstream asks for a password: give it in VIEWCAST_UPSTREAM (postgres://user:password@host…) or as PGPASSWORD';
  }
  if (/does not support SSL/i.test(message)) {
    return 'the upstream does not offer TLS: leave out sslmode, or ask its operator for TLS';
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return "the upstream's certificate is for another host name: connect by the name that it is for";
  }
  if (CERTIFICATE.test(code)) {
    return "the upstream's certificate is not signed by a known authority: name the file of the one that signed it by &sslrootcert=FILE in VIEWCAST_UPSTREAM, or check that it is the right one";
  }
  if (code === 'ENOENT' || code === 'EACCES') {
    return 'check the paths of sslrootcert, sslcert and sslkey in VIEWCAST_UPSTREAM';
  }
  return null;
}

/** An error of connecting, with what to do about it where that is known. */
export function explained(error: unknown): unknown {
  const next = advice(error);
  if (next === null) return error;
  return new UpstreamError('UPSTREAM_LOST', `${messageOf(error)}: ${next}`, { cause: error });
}
