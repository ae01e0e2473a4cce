import { EngineError } from '../engine.ts';
import type { StatementText, Token } from '../lexer.ts';
import type { BackendStatement } from './statement.ts';

const READING = new Set(['select', 'values', 'table', 'with', '(', 'explain', 'show', 'copy']);
const OUTSIDE = new Set(['vacuum', 'analyze', 'checkpoint', 'reindex', 'cluster']);

/** Words that turn a statement which starts like a reading one into a writing one. */
const WRITING = new Set([
  'insert',
  'update',
  'delete',
  'merge',
  'into',
  'nextval',
  'setval',
  'set_config',
  'lo_create',
  'lo_unlink',
]);

/** What the shared, single-user backend cannot do, or what would reach into other sessions. */
const REFUSED: Readonly<Record<string, string>> = {
  savepoint: 'SAVEPOINT: use one transaction for each unit of work',
  release: 'RELEASE SAVEPOINT: there are no savepoints',
  truncate: 'TRUNCATE: it tells no view what it removed; use DELETE',
  do: 'DO: run its statements one by one',
  listen: 'LISTEN: use SUBSCRIBE',
  unlisten: 'UNLISTEN: use SUBSCRIBE',
  notify: 'NOTIFY: use SUBSCRIBE',
  prepare: 'PREPARE: prepare statements by the protocol, as drivers do',
  execute: 'EXECUTE: prepare statements by the protocol, as drivers do',
  move: 'MOVE: FETCH and leave out rows',
  lock: 'LOCK: a transaction that has written is alone until it ends',
  load: 'LOAD: extensions are fixed',
  security: 'SECURITY LABEL: there is one user',
  grant: 'GRANT: there is one user',
  revoke: 'REVOKE: there is one user',
};

/**
 * Classifies a statement that PostgreSQL is to run as it stands.
 *
 * @throws {EngineError} 0A000 with a sentence when it cannot be offered.
 */
export function parseBackend(statement: StatementText): BackendStatement {
  const words = statement.tokens;
  const first = words[0]?.value ?? '';
  const refusal = REFUSED[first];
  if (refusal !== undefined && words[0]?.kind === 'word') throw notSupported(refusal);
  refuseDangerous(words);
  const copiesOut = first === 'copy' && checkCopyOut(words);
  return {
    kind: 'backend',
    sql: statement.sql,
    access: READING.has(first) && !writes(words) ? 'read' : 'write',
    outsideTransaction: OUTSIDE.has(first),
    copiesOut,
  };
}

/** 0A000 with what to do instead. */
export function notSupported(what: string): EngineError {
  return new EngineError('0A000', `the embedded engine does not support ${what}`);
}

function writes(tokens: readonly Token[]): boolean {
  return tokens.some((token, index) => {
    if (token.kind !== 'word') return false;
    if (WRITING.has(token.value)) return true;
    const next = tokens[index + 1]?.value;
    if (token.value === 'for') return ['update', 'share', 'no', 'key'].includes(next ?? '');
    return false;
  });
}

const DANGEROUS = new Set(['pg_terminate_backend', 'pg_cancel_backend', 'pg_reload_conf']);

function refuseDangerous(tokens: readonly Token[]): void {
  const found = tokens.find((token) => token.kind === 'word' && DANGEROUS.has(token.value));
  if (found !== undefined) {
    throw notSupported(`${found.value}(): all sessions share one backend; close the connection`);
  }
  const temporary =
    tokens[0]?.value === 'create' && ['temp', 'temporary'].includes(tokens[1]?.value ?? '');
  if (temporary) {
    throw notSupported('temporary objects: sessions share one backend and would see each other’s');
  }
}

/** True for COPY … TO STDOUT; files and programs are refused. */
function checkCopyOut(tokens: readonly Token[]): boolean {
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.value === '(') depth++;
    if (token.value === ')') depth--;
    if (depth > 0 || token.kind !== 'word' || token.value !== 'to') continue;
    if (tokens[index + 1]?.value === 'stdout') return true;
  }
  throw notSupported('COPY with files or programs: use COPY … FROM STDIN and COPY … TO STDOUT');
}
