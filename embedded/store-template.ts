import { createHash } from 'node:crypto';
import { existsSync, openAsBlob, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { makeFolder } from './make-folder.ts';

/**
 * Making a database from nothing takes seconds, unpacking one takes half a second: the first
 * store that is made leaves its empty content behind for the next. It is only ever an optimisation:
 * whatever goes wrong here, the database is made from nothing.
 */

/** The kept content, or undefined. */
export async function loadTemplate(folder: string | undefined): Promise<Blob | undefined> {
  if (folder === undefined) return undefined;
  const path = templatePath(folder);
  try {
    return existsSync(path) ? await openAsBlob(path) : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a fresh database's content; two processes at once are safe, the later one wins. */
export async function saveTemplate(folder: string, dump: () => Promise<Blob>): Promise<void> {
  const path = templatePath(folder);
  const draft = `${path}.${process.pid}.${Date.now()}`;
  try {
    makeFolder(folder);
    const content = await dump();
    writeFileSync(draft, new Uint8Array(await content.arrayBuffer()));
    renameSync(draft, path);
  } catch {
    rmSync(draft, { force: true });
  }
}

/** Named by what made it: another PGlite makes another template. */
function templatePath(folder: string): string {
  const require = createRequire(import.meta.url);
  const versions = ['@electric-sql/pglite', '@electric-sql/pglite-pg_ivm'].map((name) => {
    const entry = require.resolve(name);
    return readFileSync(join(entry, '..', '..', 'package.json'), 'utf8');
  });
  const hash = createHash('sha256').update(versions.join('\n')).digest('hex').slice(0, 16);
  return join(folder, `engine-template-${hash}.tgz`);
}
