import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readKafkaLogin } from '../kafka/login.ts';
import { apply } from './apply.ts';
import { describePlan, statementsOf } from './apply-plan.ts';
import { planSql, readDefinitionsFor, withTarget } from './engine-database.ts';
import { setUpKafka } from './kafka-setup.ts';
import { copyLedger, openLedger } from './ledger.ts';
import { messageOf } from './message-of.ts';
import type { SourcesChoice } from './sql-sources.ts';
import type { Target } from './target.ts';

const HELP = `Brings a Materialize or the embedded engine to what stands in sql/.

  npm run sql:apply -- [options]

  --upstream URL     the database (postgres://materialize@127.0.0.1:6875/materialize)
                                                                 VIEWCAST_UPSTREAM
  --kafka LIST       brokers as the database reaches them, host:port by commas
                                                                 VIEWCAST_KAFKA
  --registry URL     the schema registry, as the database reaches it
                                                                 VIEWCAST_REGISTRY
  --dialect NAME     which of sql/sources/: kafka, tail (Materialize up to 0.26), or embedded (the
                     engine without Kafka); by default what the database and --kafka say
  --dry-run          says what would be done, with the statements, and does nothing
  --replace          takes over views of these names that were not made from here
  --sql DIR          folder of sources/ and views/ (sql)         VIEWCAST_SQL
  --schemas DIR      folder of the topics' schemas (avro_schemas)
  --state DIR        where it is kept what was applied (data/sql) VIEWCAST_SQL_STATE
  --help             this text

With Kafka, the schemas in avro_schemas/ are registered and missing topics made first: a database
reads a topic's schema when a table is created from it, and never again. A topic of that folder that
sql/sources/ does not mention gets a relation of its own name.

Views whose definition changed are replaced together with those that stand upon them. Tables,
sources and connections are never replaced: drop them by hand (DROP … CASCADE), then apply again.
`;

const FLAGS = {
  upstream: { type: 'string' },
  kafka: { type: 'string' },
  registry: { type: 'string' },
  dialect: { type: 'string' },
  'dry-run': { type: 'boolean' },
  replace: { type: 'boolean' },
  sql: { type: 'string' },
  schemas: { type: 'string' },
  state: { type: 'string' },
  help: { type: 'boolean' },
} as const;

type Flags = {
  readonly [name in keyof typeof FLAGS]?: ReturnType<typeof parseFlags>[name] | undefined;
};

function parseFlags(args: readonly string[]) {
  return parseArgs({ args: [...args], options: FLAGS, strict: true }).values;
}

/** Not usable as it was asked: exit code 2. */
class UsageError extends Error {
  override readonly name = 'UsageError';
}

function readFlags(args: readonly string[], environment: NodeJS.ProcessEnv): Flags {
  let flags: Flags;
  try {
    flags = parseFlags(args);
  } catch (error) {
    const told = messageOf(error);
    throw new UsageError(`${told}: npm run sql:apply -- --help lists the options`);
  }
  const from = (name: string): string | undefined => environment[name] || undefined;
  return {
    ...flags,
    upstream: flags.upstream ?? from('VIEWCAST_UPSTREAM'),
    kafka: flags.kafka ?? from('VIEWCAST_KAFKA'),
    registry: flags.registry ?? from('VIEWCAST_REGISTRY'),
    sql: flags.sql ?? from('VIEWCAST_SQL'),
    state: flags.state ?? from('VIEWCAST_SQL_STATE'),
  };
}

function chooseSources(flags: Flags, { product, isOlder, version }: Target): SourcesChoice {
  const { kafka, registry, dialect } = flags;
  const hasKafka = product === 'materialize' || kafka !== undefined;
  const kind = dialect ?? (hasKafka ? (isOlder ? 'tail' : 'kafka') : 'embedded');
  if (kind === 'embedded' && product === 'engine') return { kind };
  if (kind === 'embedded')
    throw new UsageError(`--dialect embedded is for the engine, not ${version}`);
  if (kind !== 'kafka' && kind !== 'tail') {
    throw new UsageError(`--dialect is "${kind}": expected kafka, tail or embedded`);
  }
  if (kafka && registry) return { kind, kafka, registry };
  const missing = [...(kafka ? [] : ['--kafka']), ...(registry ? [] : ['--registry'])].join(
    ' and ',
  );
  throw new UsageError(`${version} reads from Kafka: say where it is with ${missing}`);
}

async function run(args: readonly string[]): Promise<number> {
  const flags = readFlags(args, process.env);
  if (flags.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const url = flags.upstream ?? 'postgres://materialize@127.0.0.1:6875/materialize';
  return withTarget(url, (target) => applyTo(target, flags));
}

async function applyTo(target: Target, flags: Flags): Promise<number> {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const here = (path: string | undefined, otherwise: string): string =>
    path === undefined
      ? join(root, otherwise)
      : resolve(process.env.INIT_CWD ?? process.cwd(), path);
  const folders = { sql: here(flags.sql, 'sql'), schemas: here(flags.schemas, 'avro_schemas') };
  const choice = chooseSources(flags, target);
  say(`${target.version}: sql/sources/${choice.kind}.sql and sql/views/`);
  const { definitions, problems } = readDefinitionsFor(folders, choice);
  const isComplete = problems.length === 0;
  const file = join(
    here(flags.state, 'data/sql'),
    `${target.identity.replaceAll(/[^\w.-]/g, '_')}.json`,
  );
  const isDry = flags['dry-run'] === true;
  const ledger = takeLedger(file, target, isDry);
  if (flags.replace) for (const { name } of definitions) claim(ledger, name);
  const { steps, wanted } = await planSql(target, copyLedger(ledger), definitions, isComplete);
  for (const line of describePlan(steps)) say(`  ${line}`);
  if (isDry) {
    for (const statement of statementsOf(steps, wanted)) say(`\n${statement}`);
    for (const problem of problems) complain(problem);
    return isComplete && steps.every(({ action }) => action !== 'refuse') ? 0 : 1;
  }
  if (choice.kind !== 'embedded') {
    const login = readKafkaLogin(process.env);
    if (typeof login === 'string') throw new UsageError(login);
    const topics = await setUpKafka(choice, folders.schemas, login);
    say(`registered the schemas of ${topics.join(', ')}`);
  }
  const applied = await apply(target.database, ledger, definitions, isComplete);
  for (const problem of [...problems, ...applied.problems]) complain(problem);
  const { created, replaced, dropped } = applied;
  say(`${created.length} created, ${replaced.length} replaced, ${dropped.length} dropped`);
  return problems.length + applied.problems.length === 0 ? 0 : 1;
}

function takeLedger(file: string, { identity }: Target, isDry: boolean) {
  if (!isDry) mkdirSync(dirname(file), { recursive: true });
  const ledger = openLedger(file, identity);
  return isDry ? copyLedger(ledger) : ledger;
}

/** A view whose origin is not known counts as made from here, from another text. */
function claim(ledger: ReturnType<typeof openLedger>, name: string): void {
  if (ledger.get(name) === undefined) ledger.set(name, '');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(problem: string): void {
  process.stderr.write(`viewcast: ${problem}\n`);
}

// Whoever reads only the first lines closes the pipe.
process.stdout.on('error', () => {});
try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  complain(messageOf(error));
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
