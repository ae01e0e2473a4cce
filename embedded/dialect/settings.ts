import { notSupported } from './backend.ts';
import type { TokenReader } from './reader.ts';
import type { Statement } from './statement.ts';

/** Variables that would reach beyond the session, or switch off what keeps views right. */
const REFUSED = new Set(['role', 'session_authorization', 'session_replication_role']);

/** SET [SESSION | LOCAL] name {TO | =} value */
export function parseSet(reader: TokenReader): Statement {
  const sql = reader.sql;
  reader.expect('set');
  if (reader.sees('session', 'characteristics') || reader.sees('transaction')) {
    return { kind: 'accepted', tag: 'SET', notice: null };
  }
  const local = reader.accept('local');
  if (!local && reader.sees('session') && reader.peek(1)?.kind === 'word') {
    const assigns = reader.sees('session', 'to');
    if (!assigns) reader.accept('session');
  }
  if (local && reader.sees('transaction')) return { kind: 'accepted', tag: 'SET', notice: null };
  if (reader.accept('time', 'zone')) {
    return { kind: 'set', sql, name: 'timezone', value: readValue(reader), local };
  }
  if (reader.accept('names')) {
    return { kind: 'set', sql, name: 'client_encoding', value: readValue(reader), local };
  }
  let name = reader.identifier();
  if (reader.acceptSymbol('.')) name += `.${reader.identifier()}`;
  if (REFUSED.has(name)) throw notSupported(`SET ${name}: there is one user and one role`);
  if (!reader.acceptSymbol('=')) reader.expect('to');
  return { kind: 'set', sql, name, value: readValue(reader), local };
}

/** RESET name | ALL */
export function parseReset(reader: TokenReader): Statement {
  const sql = reader.sql;
  reader.expect('reset');
  if (reader.accept('all')) return { kind: 'reset', name: null, sql };
  if (reader.accept('time', 'zone')) return { kind: 'reset', name: 'timezone', sql };
  let name = reader.identifier();
  if (reader.acceptSymbol('.')) name += `.${reader.identifier()}`;
  return { kind: 'reset', name, sql };
}

/** A single literal unquoted; several values as they stand, which is how lists are stored. */
function readValue(reader: TokenReader): string | null {
  const first = reader.peek();
  if (first === undefined) throw reader.wrong('a value');
  if (reader.sees('default') || reader.sees('local')) {
    reader.rest();
    return null;
  }
  if (reader.peek(1) === undefined) return reader.next('a value').value;
  const values = [];
  do values.push(readListed(reader));
  while (reader.acceptSymbol(','));
  reader.expectEnd();
  return values.join(', ');
}

function readListed(reader: TokenReader): string {
  const sign = reader.acceptSymbol('-') ? '-' : '';
  const token = reader.next('a value');
  const bare = token.kind === 'word' || token.kind === 'number' || /^\w+$/.test(token.value);
  return sign + (bare ? token.value : `"${token.value.replaceAll('"', '""')}"`);
}
