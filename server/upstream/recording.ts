/**
 * Recordings of a real Materialize on the wire, for tests: what each stream with PROGRESS sent, and
 * the bytes in which a server sends it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';

const FOLDER = join(resolve(process.env.VIEWCAST_DATA ?? '../shared/data'), 'tail-v0.26.1');

/** Why the recordings cannot be read; null when they can. */
export const missing = existsSync(FOLDER)
  ? null
  : `recordings not found in ${FOLDER} (set VIEWCAST_DATA)`;

const fieldSchema = z.object({ name: z.string(), typeOid: z.number(), typeMod: z.number() });
const messageSchema = z.looseObject({
  conn: z.union([z.string(), z.number()]).optional(),
  dir: z.string().optional(),
  type: z.string().optional(),
  sql: z.string().optional(),
  fields: z.unknown().optional(),
  values: z.array(z.string().nullable()).optional(),
});

/** A recorded stream `TAIL … WITH (PROGRESS)`. */
export interface Recording {
  readonly file: string;
  readonly statement: string;
  readonly fields: readonly z.infer<typeof fieldSchema>[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** All recorded streams with progress and at least two rows. */
export function readRecordings(): readonly Recording[] {
  return ['01-setup', '03-node-pg', '06-consistency', '07-progress-snapshot']
    .flatMap((name) => readFile(`${name}.jsonl.gz`))
    .filter(({ rows }) => rows.length > 1);
}

function readFile(file: string): readonly Recording[] {
  const text = gunzipSync(readFileSync(join(FOLDER, file))).toString('utf8');
  const open = new Map<
    string,
    { statement: string; fields: Recording['fields']; rows: (string | null)[][] }
  >();
  const done: Recording[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const message = messageSchema.parse(JSON.parse(line));
    const connection = String(message.conn);
    const stream = open.get(connection);
    if (message.sql?.startsWith('TAIL') && message.sql.includes('(PROGRESS)')) {
      const next = { statement: message.sql, fields: [], rows: [] };
      open.set(connection, next);
      done.push({ file, ...next });
    } else if (message.sql !== undefined || message.type === 'ErrorResponse') {
      open.delete(connection);
    } else if (stream !== undefined && message.type === 'RowDescription') {
      const at = done.findIndex(({ rows }) => rows === stream.rows);
      done[at] = { ...stream, file, fields: z.array(fieldSchema).parse(message.fields) };
    } else if (stream !== undefined && message.type === 'DataRow') {
      stream.rows.push(message.values ?? []);
    }
  }
  return done;
}
