/** What stands in the project, for the tests of its deployment. */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** A file's text; the path is below the project's root. */
export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function exists(path: string): boolean {
  return existsSync(join(root, path));
}

/** The project's own sources, paths below its root. */
export function sources(): readonly string[] {
  return globSync('**/*.ts', {
    cwd: root,
    exclude: (path) => /(?:^|\/)(?:node_modules|dist|data)(?:\/|$)/.test(path),
  });
}

/** What a program needs to run: the project's files, and packages by name. */
export interface Needs {
  readonly files: ReadonlySet<string>;
  readonly packages: ReadonlySet<string>;
}

const IMPORTS = [
  /^(?:import\b.*|export\b.*|\} )from '([^']+)';$/gm,
  /^import '([^']+)';$/gm,
  /\bimport\('([^']+)'\)/g,
  /\bnew URL\('(\.[^']+)', import\.meta\.url\)/g,
];

/** Follows the imports of programs, and the files that they name beside themselves. */
export function needsOf(programs: readonly string[]): Needs {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (path: string) => {
    if (files.has(path) || !exists(path) || !statSync(join(root, path)).isFile()) return;
    files.add(path);
    if (!path.endsWith('.ts')) return;
    const text = read(path);
    for (const [, name = ''] of IMPORTS.flatMap((pattern) => [...text.matchAll(pattern)])) {
      if (name.startsWith('.')) visit(relative(root, resolve(root, dirname(path), name)));
      else if (!name.startsWith('node:')) packages.add(packageOf(name));
    }
  };
  programs.forEach(visit);
  return { files, packages };
}

/** `@scope/name/part` is of the package `@scope/name`. */
function packageOf(module: string): string {
  return module.split('/', module.startsWith('@') ? 2 : 1).join('/');
}

/** Whether a path is left out by a .dockerignore: the last pattern that matches decides. */
export function isIgnored(patterns: readonly string[], path: string): boolean {
  let ignored = false;
  for (const line of patterns) {
    const keeps = line.startsWith('!');
    if (matches(keeps ? line.slice(1) : line, path)) ignored = !keeps;
  }
  return ignored;
}

/** A pattern also matches what lies below what it matches. */
function matches(pattern: string, path: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('**/', '(?:.*/)?')
    .replaceAll(/(?<!\.)\*/g, '[^/]*');
  return new RegExp(`^${source}(?:/|$)`).test(path);
}
