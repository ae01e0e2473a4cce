import { createInterface, type Interface } from 'node:readline';
import pg from 'pg';
import { tokenize } from '../../embedded/lexer.ts';
import { BACKSLASH_HELP, readBackslash } from './backslash.ts';
import { formatError, psqlPrinter, streamPrinter } from './printer.ts';
import { type CancelKey, requestCancel, runQuery } from './query.ts';

/** Where the shell connects, reads and writes. */
export interface ShellSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WritableStream;
  readonly problems: NodeJS.WritableStream;
}

/** The project's own SQL shell, for machines without psql; it prints as psql does. */
export class OwnShell {
  readonly #settings: ShellSettings;
  readonly #client: pg.Client;
  #key: CancelKey | null = null;
  #running = false;
  #lost: string | null = null;

  constructor(settings: ShellSettings) {
    this.#settings = settings;
    const { host, port, user, database } = settings;
    this.#client = new pg.Client({ host, port, user, database, connectionTimeoutMillis: 5_000 });
    this.#client.on('error', (error) => {
      this.#lost ??= error.message;
    });
    this.#client.on('notice', ({ severity, message }) => {
      settings.problems.write(`${severity ?? 'NOTICE'}:  ${message ?? ''}\n`);
    });
  }

  /** @throws Error in one sentence when nothing answers. */
  async connect(): Promise<void> {
    const { host, port } = this.#settings;
    try {
      await this.#client.connect();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      throw new Error(
        `no SQL server answers at ${host} port ${port} (${code}): start it with npm start, or name another with --host and --port`,
        { cause: error },
      );
    }
    const processId: unknown = Reflect.get(this.#client, 'processID');
    const secretKey: unknown = Reflect.get(this.#client, 'secretKey');
    if (typeof processId === 'number' && typeof secretKey === 'number') {
      this.#key = { host, port, processId, secretKey };
    }
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }

  /** Asks to end what runs. Returns whether something does. */
  cancel(): boolean {
    if (this.#running && this.#key !== null) requestCancel(this.#key);
    return this.#running;
  }

  /** Runs what `-c` was given: a command with a backslash, or SQL. Returns whether it succeeded. */
  async run(command: string): Promise<boolean> {
    if (!command.trimStart().startsWith('\\')) return await this.execute(command);
    await this.#backslash(command);
    return true;
  }

  /** Runs a text of one or several statements and prints. Returns whether it succeeded. */
  async execute(sql: string, title?: string): Promise<boolean> {
    const { output, problems } = this.#settings;
    const write = (text: string | Buffer) => void output.write(text);
    const streams = /^\s*(?:tail|subscribe)\b/i.test(sql);
    this.#running = true;
    try {
      await runQuery(this.#client, sql, streams ? streamPrinter(write) : psqlPrinter(write, title));
      return true;
    } catch (error) {
      problems.write(formatError(error, sql));
      return false;
    } finally {
      this.#running = false;
    }
  }

  /** Reads statements until the input ends, with prompts on a terminal. Returns the exit code. */
  async readAll(): Promise<number> {
    const { input, output } = this.#settings;
    const interactive = input.isTTY === true;
    if (interactive) output.write('viewcast\nType \\? for help.\n\n');
    const lines = createInterface({ input, output: interactive ? output : undefined });
    const prompt = (waiting: string) => {
      if (!interactive) return;
      lines.setPrompt(`${this.#settings.database}${waiting === '' ? '=' : '-'}> `);
      lines.prompt();
    };
    let waiting = '';
    lines.on('SIGINT', () => {
      if (this.cancel()) return;
      waiting = '';
      output.write('\n');
      clearLine(lines);
      prompt(waiting);
    });
    prompt(waiting);
    for await (const line of lines) {
      if (waiting === '' && line.trimStart().startsWith('\\')) {
        if (await this.#backslash(line)) break;
      } else {
        const { complete, rest } = cutStatements(`${waiting}${line}\n`);
        for (const sql of complete) await this.execute(sql);
        waiting = rest;
      }
      if (this.#lost !== null) return this.#tellLoss();
      prompt(waiting);
    }
    lines.close();
    if (waiting.trim() !== '') await this.execute(waiting);
    if (interactive) output.write('\n');
    return this.#lost === null ? 0 : this.#tellLoss();
  }

  #tellLoss(): number {
    this.#settings.problems.write(`the connection was lost: ${this.#lost}\n`);
    return 2;
  }

  /** Returns whether to leave. */
  async #backslash(line: string): Promise<boolean> {
    const asked = readBackslash(line.trim());
    const { output, problems } = this.#settings;
    switch (asked.kind) {
      case 'quit':
        return true;
      case 'help':
        output.write(BACKSLASH_HELP);
        return false;
      case 'unknown':
        problems.write(`invalid command ${asked.command}\nTry \\? for help.\n`);
        return false;
      case 'query':
        await this.execute(asked.sql, asked.title);
        return false;
    }
  }
}

function clearLine(lines: Interface): void {
  lines.write(null, { ctrl: true, name: 'e' });
  lines.write(null, { ctrl: true, name: 'u' });
}

/** The statements of a text that end with a semicolon, and what is left behind the last. */
export function cutStatements(text: string): {
  readonly complete: readonly string[];
  readonly rest: string;
} {
  const complete: string[] = [];
  let start = 0;
  for (const token of tokenize(text)) {
    if (token.kind !== 'symbol' || token.value !== ';') continue;
    const sql = text.slice(start, token.end).trim();
    if (sql !== ';') complete.push(sql);
    start = token.end;
  }
  const rest = text.slice(start);
  return { complete, rest: rest.trim() === '' ? '' : rest };
}
