import { spawn, spawnSync } from 'node:child_process';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { messageOf } from './message-of.ts';
import { OwnShell } from './shell/own-shell.ts';

const HELP = `SQL on what viewcast shows.

  npm run sql                       psql where there is one, else a small shell that prints like it
  npm run sql -- -c "SHOW VIEWS"    runs one command and ends

  -c, --command SQL   run it and end; may be given several times
  -h, --host HOST     (127.0.0.1)                             VIEWCAST_HOST
  -p, --port PORT     (6875)                                  VIEWCAST_SQL_PORT
  -U, --user NAME     (materialize)
  -d, --dbname NAME   (materialize)
  --shell own|psql    which of the two                        VIEWCAST_SHELL
      --help          this text

psql gets all other arguments as they are.
`;

interface Asked {
  readonly shell: 'own' | 'psql' | null;
  readonly host: string;
  readonly port: string;
  readonly user: string;
  readonly database: string;
  readonly commands: readonly string[];
  /** For psql: what was typed, without `--shell`. */
  readonly rest: readonly string[];
  readonly help: boolean;
  /** Arguments that only psql knows. */
  readonly unknown: readonly string[];
}

const FLAGS = {
  command: { type: 'string', short: 'c', multiple: true },
  host: { type: 'string', short: 'h' },
  port: { type: 'string', short: 'p' },
  user: { type: 'string', short: 'U' },
  dbname: { type: 'string', short: 'd' },
  shell: { type: 'string' },
  help: { type: 'boolean' },
} as const;

function ask(argv: readonly string[], environment: NodeJS.ProcessEnv): Asked {
  const { values, tokens } = parseArgs({
    args: [...argv],
    options: FLAGS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const text = (value: unknown): string | undefined =>
    typeof value === 'string' && value !== '' ? value : undefined;
  const shell = text(values.shell) ?? text(environment.VIEWCAST_SHELL) ?? null;
  if (shell !== null && shell !== 'own' && shell !== 'psql') {
    throw new Error(`--shell is "${shell}": expected own or psql`);
  }
  const taken = tokens.flatMap((token) =>
    token.kind === 'option' && token.name === 'shell'
      ? [token.index, ...(token.inlineValue ? [] : [token.index + 1])]
      : [],
  );
  return {
    shell,
    host: text(values.host) ?? text(environment.VIEWCAST_HOST) ?? '127.0.0.1',
    port: text(values.port) ?? text(environment.VIEWCAST_SQL_PORT) ?? '6875',
    user: text(values.user) ?? 'materialize',
    database: text(values.dbname) ?? 'materialize',
    commands: (values.command ?? []).flatMap((command) => text(command) ?? []),
    rest: argv.filter((_, at) => !taken.includes(at)),
    help: values.help === true,
    unknown: tokens.flatMap((token) =>
      token.kind === 'positional' || (token.kind === 'option' && !(token.name in FLAGS))
        ? [token.kind === 'option' ? token.rawName : token.value]
        : [],
    ),
  };
}

function hasPsql(): boolean {
  return spawnSync('psql', ['--version'], { stdio: 'ignore' }).status === 0;
}

/** psql handles Ctrl-C itself; this process only waits for it. */
function runPsql({ host, port, user, database, rest }: Asked): Promise<number> {
  process.on('SIGINT', () => {});
  const environment = { PGHOST: host, PGPORT: port, PGUSER: user, PGDATABASE: database };
  const child = spawn('psql', [...rest], {
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

async function runOwn({ host, port, user, database, commands, unknown }: Asked): Promise<number> {
  if (unknown.length > 0) {
    throw new Error(`${unknown.join(' ')}: only psql knows this, and it is not used here`);
  }
  if (!/^\d+$/.test(port)) throw new Error(`the port is "${port}": expected a number`);
  const { stdin: input, stdout: output, stderr: problems } = process;
  const shell = new OwnShell({
    host,
    port: Number(port),
    user,
    database,
    input,
    output,
    problems,
  });
  // A reader that has left, such as head, ends the shell quietly.
  output.on('error', () => process.exit(0));
  process.on('SIGINT', () => {
    if (!shell.cancel()) process.exit(130);
  });
  await shell.connect();
  try {
    if (commands.length === 0) return await shell.readAll();
    let succeeded = true;
    for (const command of commands) succeeded = (await shell.run(command)) && succeeded;
    return succeeded ? 0 : 1;
  } finally {
    await shell.close();
  }
}

async function main(): Promise<number> {
  const asked = ask(process.argv.slice(2), process.env);
  if (asked.help) {
    process.stdout.write(HELP);
    return 0;
  }
  return await (asked.shell === 'psql' || (asked.shell === null && hasPsql())
    ? runPsql(asked)
    : runOwn(asked));
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`viewcast: ${messageOf(error)}\n`);
    process.exitCode = 2;
  },
);
