import { type FSWatcher, readdirSync, readFileSync, watch } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type Definition, readDefinitions } from './definition.ts';
import { messageOf } from './message-of.ts';
import {
  deriveSources,
  readPairs,
  readSources,
  type SourcesChoice,
  unmentioned,
} from './sql-sources.ts';

/** How long a folder must be quiet before its change counts: editors write in several steps. */
const QUIET_MS = 150;

/** One file below `sql/`, named for messages. */
export interface SqlFile {
  readonly file: string;
  readonly source: string;
}

/** The project's folders that are applied. */
export interface SqlFolders {
  /** Of `sources/` and `views/`. */
  readonly sql: string;
  /** Of the topics' schemas. */
  readonly schemas: string;
}

/** The sources, those that follow from the topics' schemas, then the views by file name. */
export function listSqlFiles(
  { sql, schemas }: SqlFolders,
  choice: SourcesChoice,
): readonly SqlFile[] {
  const views = join(sql, 'views');
  const nameOf = (path: string): string => relative(dirname(sql), path);
  const files = readdirSync(views)
    .filter((name) => name.endsWith('.sql') && !name.startsWith('.'))
    .sort()
    .map((name) => join(views, name))
    .map((path) => ({ file: nameOf(path), source: readFileSync(path, 'utf8') }));
  const file = nameOf(join(sql, 'sources', `${choice.kind}.sql`));
  const sources = readSources(sql, choice, file);
  return [sources, ...deriveSources(readPairs(schemas), sources, choice), ...files];
}

/** The tables that hold what people sent, where there is no Kafka to hold it. */
export function listMessageTables({ sql, schemas }: SqlFolders): readonly string[] {
  const choice = { kind: 'embedded' } as const;
  const sources = readSources(sql, choice, 'embedded.sql');
  return unmentioned(readPairs(schemas), sources, choice).map(({ topic }) => topic);
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
    problems.push(messageOf(error));
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
      failed(messageOf(error));
    }
  }
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
