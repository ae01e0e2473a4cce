import { type FSWatcher, readdirSync, readFileSync, watch } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type Definition, readDefinitions } from './definition.ts';

/** How long a folder must be quiet before its change counts: editors write in several steps. */
const QUIET_MS = 150;

/** One file below `sql/`, named for messages. */
export interface SqlFile {
  readonly file: string;
  readonly source: string;
}

/** What the embedded engine is given: its own sources, then the views by file name. */
export function listSqlFiles(folder: string): readonly SqlFile[] {
  const views = join(folder, 'views');
  const paths = readdirSync(views)
    .filter((name) => name.endsWith('.sql') && !name.startsWith('.'))
    .sort()
    .map((name) => join(views, name));
  return [join(folder, 'sources', 'embedded.sql'), ...paths].map((path) => ({
    file: relative(dirname(folder), path),
    source: readFileSync(path, 'utf8'),
  }));
}

/**
 * The definitions of several files, in order. A file that cannot be read as SQL, and a name that
 * is defined twice, are problems; the rest holds.
 */
export function readSqlFiles(files: readonly SqlFile[]): {
  readonly definitions: readonly Definition[];
  readonly problems: readonly string[];
} {
  const definitions = new Map<string, Definition>();
  const problems: string[] = [];
  for (const definition of files.flatMap((file) => readOrTell(file, problems))) {
    const { name, file, line } = definition;
    const first = definitions.get(name);
    if (first === undefined) definitions.set(name, definition);
    else {
      problems.push(
        `${file}:${line}: ${name} is already defined at ${first.file}:${first.line}: remove one of the two`,
      );
    }
  }
  return { definitions: [...definitions.values()], problems };
}

function readOrTell({ file, source }: SqlFile, problems: string[]): readonly Definition[] {
  try {
    return readDefinitions(file, source);
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
    return [];
  }
}

/**
 * Calls `changed` after something in the folder was written, once it is quiet. Returns the end of
 * it; `failed` is told once when the system cannot watch folders.
 */
export function watchSql(
  folder: string,
  changed: () => void,
  failed: (reason: string) => void,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  const watchers: FSWatcher[] = [];
  for (const part of ['sources', 'views']) {
    try {
      const watcher = watch(join(folder, part), () => {
        clearTimeout(timer);
        timer = setTimeout(changed, QUIET_MS);
      });
      watcher.on('error', (error) => failed(error.message));
      watchers.push(watcher);
    } catch (error) {
      failed(error instanceof Error ? error.message : String(error));
    }
  }
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
