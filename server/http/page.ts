import type { Reply } from '../reply.ts';
import { decodeSegment, type Request } from '../request.ts';
import type { Route } from './routes.ts';
import type { StaticFile, StaticFiles } from './static-files.ts';
import { matchesTag } from './views-api.ts';

/**
 * The page loads nothing from elsewhere and runs nothing inline. Another site's frame may show one
 * part of it (`?embed=`), in which there is nothing that acts, and never the whole.
 */
const policy = (frameAncestors: string): string =>
  "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; " +
  `frame-ancestors ${frameAncestors}`;
export const SECURITY: Readonly<Record<string, string>> = {
  'Content-Security-Policy': policy("'self'"),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Referrer-Policy': 'no-referrer',
};

const MISSING = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>viewcast</title>
<h1>The page is not built yet</h1>
<p>Run <code>npm run build</code>, then load this page again. The views are served already:
<a href="/api/views">/api/views</a> lists them.</p>
</html>
`;

/** The built page and its assets. */
export function pageRoute(files: StaticFiles): Route {
  return (request) => {
    const path = decodeSegment(request.path);
    const file = path === null ? undefined : files.get(path);
    if (file !== undefined) return fileReply(file, request);
    // Addresses within a page count from its folder.
    if (path !== null && files.get(`${path}/`) !== undefined) return toFolder(request.path);
    return path === '/' || path === '/index.html' ? missingPage() : null;
  };
}

function fileReply(file: StaticFile, request: Request): Reply {
  const zipped = acceptsGzip(request) ? file.gzipped : null;
  // A tag names one representation: the compressed bytes are another one.
  const tag = zipped === null ? file.tag : file.tag.replace(/"$/, '-gzip"');
  const headers = {
    ...SECURITY,
    ...(isEmbedded(request) ? { 'Content-Security-Policy': policy('*') } : {}),
    'Content-Type': file.type,
    'Cache-Control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    ETag: tag,
    ...(file.gzipped === null ? {} : { Vary: 'Accept-Encoding' }),
    ...(zipped === null ? {} : { 'Content-Encoding': 'gzip' }),
  };
  return matchesTag(request.headers.get('if-none-match'), tag)
    ? { status: 304, headers, body: '' }
    : { status: 200, headers, body: zipped ?? file.body };
}

/** Other pages than the first have things that act. */
const isEmbedded = ({ path, query }: Request): boolean => path === '/' && query.has('embed');

const acceptsGzip = (request: Request): boolean =>
  /(?:^|,)\s*gzip\s*(?:,|;\s*q=(?!0(?:\.0*)?\s*(?:,|$))|$)/i.test(
    request.headers.get('accept-encoding') ?? '',
  );

const toFolder = (path: string): Reply => ({
  status: 308,
  headers: { ...SECURITY, Location: `${path}/`, 'Cache-Control': 'no-store' },
  body: '',
});

function missingPage(): Reply {
  const headers = {
    ...SECURITY,
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
  };
  // 200: the server works and HEAD / says so; only this machine's build is missing.
  return { status: 200, headers, body: MISSING };
}
