import { EngineError, type Settings } from '../engine.ts';
import { type Line, VERSIONS } from './line.ts';

const SERVER_VERSION = '9.5.0';

/** Variables that the session keeps by itself, because PostgreSQL does not have them or need not. */
const OWN: ReadonlyMap<string, string> = new Map([
  ['application_name', ''],
  ['client_encoding', 'UTF8'],
  ['cluster', 'quickstart'],
  ['cluster_replica', ''],
  ['database', 'materialize'],
  ['default_cluster_replication_factor', '1'],
  ['idle_in_transaction_session_timeout', '10 s'],
  ['is_superuser', 'on'],
  ['lock_timeout', '0'],
  ['mz_version', VERSIONS.subscribe.text],
  ['real_time_recency', 'off'],
  ['server_version', SERVER_VERSION],
  ['statement_timeout', '0'],
  ['transaction_isolation', 'strict serializable'],
  ['welcome_message', 'on'],
]);

/** The same on the older line, which has fewer and other defaults. */
const OLDER: ReadonlyMap<string, string> = new Map([
  ...[...OWN].filter(
    ([name]) => !/^(cluster_replica|default_cluster|mz_version|real_time|welcome)/.test(name),
  ),
  ['cluster', 'default'],
  ['transaction_isolation', 'serializable'],
]);

const READ_ONLY = new Set(['is_superuser', 'mz_version', 'server_version']);

/** Variables whose changes a client is told of, by their lower-case names. */
const REPORTED: ReadonlyMap<string, string> = new Map(
  [
    'application_name',
    'client_encoding',
    'cluster',
    'cluster_replica',
    'database',
    'DateStyle',
    'default_cluster_replication_factor',
    'integer_datetimes',
    'IntervalStyle',
    'mz_version',
    'search_path',
    'server_version',
    'standard_conforming_strings',
    'TimeZone',
  ].map((name) => [name.toLowerCase(), name]),
);

/** Of these, the older line reports no more. */
const REPORTED_BY_OLDER = new Set([
  'application_name',
  'client_encoding',
  'datestyle',
  'integer_datetimes',
  'server_version',
  'standard_conforming_strings',
]);

/** What PostgreSQL's own reported variables are at the start of a session. */
const BACKEND_DEFAULTS: ReadonlyMap<string, string> = new Map([
  ['datestyle', 'ISO, MDY'],
  ['integer_datetimes', 'on'],
  ['intervalstyle', 'postgres'],
  ['search_path', 'public'],
  ['standard_conforming_strings', 'on'],
  ['timezone', 'UTC'],
]);

/**
 * A session's variables: `SET` lasts for the session unless its transaction rolls back, `SET LOCAL`
 * until the transaction ends.
 */
export class SessionSettings {
  readonly #own: ReadonlyMap<string, string>;
  readonly #reported: readonly (readonly [key: string, name: string])[];
  #session: ReadonlyMap<string, string> = new Map();
  #local: ReadonlyMap<string, string> = new Map();
  #atBegin: ReadonlyMap<string, string> | undefined;

  constructor(line: Line = 'subscribe') {
    this.#own = line === 'tail' ? OLDER : OWN;
    this.#reported = [...REPORTED].filter(
      ([key]) => line === 'subscribe' || REPORTED_BY_OLDER.has(key),
    );
  }

  /** Whether the session answers for this variable and PostgreSQL is not asked. */
  owns(name: string): boolean {
    return this.#own.has(name);
  }

  /** A variable's value, as far as the session knows it. */
  get(name: string): string | undefined {
    return this.#local.get(name) ?? this.#session.get(name) ?? this.#own.get(name);
  }

  /** What the engine has to apply to this session's statements. */
  forEngine(): Settings {
    const all = [...this.#session, ...this.#local];
    return new Map(all.filter(([name]) => !this.#own.has(name)));
  }

  /** @throws {EngineError} for a variable that cannot change, or an encoding other than UTF-8. */
  check(name: string, value: string | null): void {
    if (READ_ONLY.has(name)) {
      throw new EngineError('55P02', `parameter "${name}" cannot be changed`);
    }
    const encoding = value?.toLowerCase().replaceAll(/[^a-z0-9]/g, '') ?? 'utf8';
    if (name === 'client_encoding' && encoding !== 'utf8' && encoding !== 'unicode') {
      throw new EngineError('22023', `the client encoding is UTF8 here, not ${value}`);
    }
  }

  /** `value` null restores the default. */
  set(name: string, value: string | null, local: boolean): void {
    const stored = name === 'client_encoding' ? 'UTF8' : value;
    if (local) this.#local = changed(this.#local, name, stored);
    else {
      this.#session = changed(this.#session, name, stored);
      this.#local = changed(this.#local, name, null);
    }
  }

  /** Back to the defaults. */
  clear(): void {
    this.#session = new Map();
    this.#local = new Map();
  }

  begin(): void {
    this.#atBegin = this.#session;
  }

  end(committed: boolean): void {
    if (!committed && this.#atBegin !== undefined) this.#session = this.#atBegin;
    this.#atBegin = undefined;
    this.#local = new Map();
  }

  /** What start-up reports, in the spelling that clients look for. */
  reported(): [name: string, value: string][] {
    return this.#reported.map(([key, name]) => [
      name,
      this.get(key) ?? BACKEND_DEFAULTS.get(key) ?? '',
    ]);
  }

  /** The reported spelling and value of a variable, when it is one of the reported. */
  report(name: string): [name: string, value: string] | undefined {
    return this.reported().find(([reported]) => reported.toLowerCase() === name);
  }
}

function changed(
  map: ReadonlyMap<string, string>,
  name: string,
  value: string | null,
): ReadonlyMap<string, string> {
  const copy = new Map(map);
  if (value === null) copy.delete(name);
  else copy.set(name, value);
  return copy;
}
