import { EngineError } from './engine.ts';
import { quoteText } from './lexer.ts';
import { type Retention, takeRetention } from './retention.ts';
import { splitFrames } from './wire/frames.ts';
import { parseMessage } from './wire/frontend.ts';
import { parse, query } from './wire/request.ts';

/** What statements may do beside changing rows. */
export interface StatementEffects {
  /** They may make, drop or alter relations. */
  readonly changesRelations: boolean;
  readonly retentions: readonly { readonly table: string; readonly retention: Retention }[];
  readonly sql: string;
}

export const NO_EFFECTS: StatementEffects = { changesRelations: false, retentions: [], sql: '' };

/** Statements that would change a table behind the back of what is kept over it. */
const REFUSED: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  {
    pattern: /^\s*truncate\b/i,
    why: 'TRUNCATE is not supported, as views could not follow it: use DELETE FROM',
  },
  {
    pattern: /^\s*alter\s+table\b/i,
    why: 'ALTER TABLE is not supported: make a new table, and views over it',
  },
];

/**
 * Looks at the statements in framed messages and rewrites those that PostgreSQL is not to see as
 * they stand: RETAIN is taken out, and what is refused becomes a statement that raises the refusal,
 * so that it takes its place in the conversation like any other error.
 */
export function rewriteStatements(frames: Uint8Array): {
  readonly frames: Uint8Array;
  readonly effects: StatementEffects;
} {
  const rewritten: Buffer[] = [];
  let effects = NO_EFFECTS;
  let isChanged = false;
  for (const each of splitFrames(frames)) {
    const isQuery = each.type === 0x51;
    if (!isQuery && each.type !== 0x50) {
      rewritten.push(each.whole);
      continue;
    }
    const message = parseMessage(each);
    const sql = message.type === 'query' || message.type === 'parse' ? message.sql : '';
    const read = readStatement(sql);
    effects = mergeEffects(effects, read.effects);
    if (read.sql === sql) rewritten.push(each.whole);
    else {
      isChanged = true;
      rewritten.push(isQuery ? query(read.sql) : parse(read.sql, []));
    }
  }
  return { frames: isChanged ? Buffer.concat(rewritten) : frames, effects };
}

function readStatement(sql: string): { readonly sql: string; readonly effects: StatementEffects } {
  const refused = REFUSED.find(({ pattern }) => pattern.test(sql));
  if (refused !== undefined) return refusal(refused.why);
  const taken = tryRetention(sql);
  if (taken instanceof EngineError) return refusal(taken.message);
  const changesRelations = /\b(create|drop|alter|into)\b/i.test(sql) && !/^\s*insert\b/i.test(sql);
  const retentions =
    taken.retention === null ? [] : [{ table: taken.table, retention: taken.retention }];
  return {
    sql: taken.sql,
    effects: { changesRelations, retentions, sql: changesRelations ? sql : '' },
  };
}

/** A statement that raises the sentence, in place of the one that was not taken. */
function refusal(why: string): { readonly sql: string; readonly effects: StatementEffects } {
  return { sql: `SELECT viewcast.viewcast_refuse(${quoteText(why)})`, effects: NO_EFFECTS };
}

function tryRetention(sql: string): ReturnType<typeof takeRetention> | EngineError {
  try {
    return takeRetention(sql);
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
}

/** Together, in order. */
export function mergeEffects(a: StatementEffects, b: StatementEffects): StatementEffects {
  return {
    changesRelations: a.changesRelations || b.changesRelations,
    retentions: [...a.retentions, ...b.retentions],
    sql: [a.sql, b.sql].filter((sql) => sql !== '').join('; '),
  };
}
