import type pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';

/**
 * What `pg` is told for a URL. TLS comes by `sslmode`: `require`, `verify-ca` and `verify-full` all
 * check the certificate and the host's name (against `sslrootcert=FILE` where that is given),
 * `no-verify` encrypts only.
 *
 * @throws when a file that the URL names cannot be read.
 */
export function clientConfig(url: string): pg.ClientConfig {
  const given = new URL(url);
  const mode = given.searchParams.get('sslmode');
  const isLibpq = given.searchParams.get('uselibpqcompat') === 'true';
  // The library takes these for verify-full too, but warns that a later version will not.
  if (!isLibpq && ['prefer', 'require', 'verify-ca'].includes(mode ?? '')) {
    given.searchParams.set('sslmode', 'verify-full');
  }
  const config = parseIntoClientConfig(given.href);
  if (typeof config.ssl !== 'object') return config;
  // Without it the certificate of a host given by its address is compared with `localhost`.
  return { ...config, ssl: { ...config.ssl, host: config.host } };
}
