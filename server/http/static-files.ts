import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { gzipSync } from 'node:zlib';

/** A file of the page, read and ready to be sent. */
export interface StaticFile {
  readonly body: Uint8Array;
  /** The body compressed, where that makes it smaller. */
  readonly gzipped: Uint8Array | null;
  readonly type: string;
  readonly tag: string;
  /** Whether its name changes with its content. */
  readonly immutable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

/** Vite writes `assets/<name>-<hash>.<type>`. */
const HASHED = /^\/assets\/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/;
const RELOAD_MS = 1_000;

/**
 * The files of a folder by URL path. Only what a listing of the folder shows can be served, so
 * that no path leads anywhere else; links and hidden files are left out.
 */
export class StaticFiles {
  readonly #folder: string;
  readonly #nowMs: () => number;
  #files: ReadonlyMap<string, StaticFile> = new Map();
  #stamp = '';
  #checkedMs = Number.NEGATIVE_INFINITY;

  constructor(folder: string, nowMs: () => number) {
    this.#folder = folder;
    this.#nowMs = nowMs;
  }

  /** The file at a URL path, `/` being `/index.html`. A build that was made anew is noticed. */
  get(path: string): StaticFile | undefined {
    this.#refresh();
    return this.#files.get(path.endsWith('/') ? `${path}index.html` : path);
  }

  #refresh(): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#checkedMs < RELOAD_MS) return;
    this.#checkedMs = nowMs;
    const stamp = stampOf(join(this.#folder, 'index.html'));
    if (stamp === this.#stamp) return;
    this.#files = stamp === '' ? new Map() : readFiles(this.#folder);
    this.#stamp = stamp;
  }
}

/** What changes with every build; '' where there is none. */
function stampOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? '' : `${stats.mtimeMs} ${stats.size} ${stats.ino}`;
}

function readFiles(folder: string): ReadonlyMap<string, StaticFile> {
  const files = new Map<string, StaticFile>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    const path = `/${relative(folder, file).split(sep).join('/')}`;
    if (entry.isFile() && !path.includes('/.')) files.set(path, readFile(file, path));
  }
  return files;
}

function readFile(file: string, path: string): StaticFile {
  const body = readFileSync(file);
  const type = TYPES[extname(file).toLowerCase()] ?? 'application/octet-stream';
  const packed = /text|json|svg/.test(type) ? gzipSync(body, { level: 9 }) : body;
  return {
    body,
    gzipped: packed.byteLength < body.byteLength ? packed : null,
    type,
    tag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 16)}"`,
    immutable: HASHED.test(path),
  };
}
