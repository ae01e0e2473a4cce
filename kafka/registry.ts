/** What went wrong with a schema registry; the message says it in words. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  /** `away` may pass by itself, the others do not. */
  readonly kind: 'away' | 'incompatible' | 'missing' | 'refused';

  constructor(kind: RegistryError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** A schema as the registry has it. */
export interface RegisteredSchema {
  readonly id: number;
  readonly schema: string;
}

export interface RegistryOptions {
  /** Where Confluent's interface is served, such as http://localhost:8081. */
  readonly url: string;
  /** Sent with each question; default: that of the URL, if it has one. */
  readonly login?: { readonly username: string; readonly password: string } | null;
  /** Attempts for each question while the registry is away; default 4, about 1.5 s in all. */
  readonly attempts?: number;
  /** How long one attempt may take. Default 3 s. */
  readonly timeoutMs?: number;
  /** Waits; default by a timer. */
  readonly sleep?: (ms: number) => Promise<void>;
}

const firstPauseMs = 200;

type Answer = Readonly<Record<string, unknown>>;

/** A client of a schema registry: Confluent's interface, as Confluent, Apicurio and others serve it. */
export class Registry {
  readonly #url: string;
  readonly #authorization: string | null;
  readonly #attempts: number;
  readonly #timeoutMs: number;
  readonly #sleep: (ms: number) => Promise<void>;

  constructor({ url, login, attempts = 4, timeoutMs = 3_000, sleep }: RegistryOptions) {
    const place = new URL(url);
    const { username, password } = place;
    const own = { username: decodeURIComponent(username), password: decodeURIComponent(password) };
    // fetch refuses URLs with a login, and messages show the URL.
    place.username = '';
    place.password = '';
    this.#url = place.href.replace(/\/+$/, '');
    const used = login ?? (username === '' ? null : own);
    this.#authorization = used
      ? `Basic ${Buffer.from(`${used.username}:${used.password}`).toString('base64')}`
      : null;
    this.#attempts = attempts;
    this.#timeoutMs = timeoutMs;
    this.#sleep = sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
  }

  /** The id of the schema under this subject, new or known. @throws {RegistryError} */
  async register(subject: string, schema: string): Promise<number> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`;
    const answer = await this.#ask('POST', path, { schema }, subject);
    return this.#id(answer, path);
  }

  /** The newest schema of a subject; null when it has none. @throws {RegistryError} */
  async latest(subject: string): Promise<RegisteredSchema | null> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/latest`;
    try {
      const answer = await this.#ask('GET', path, null, subject);
      return { id: this.#id(answer, path), schema: this.#schema(answer, path) };
    } catch (error) {
      if (error instanceof RegistryError && error.kind === 'missing') return null;
      throw error;
    }
  }

  /** @throws {RegistryError} `missing` for an unknown id. */
  async byId(id: number): Promise<string> {
    const path = `/schemas/ids/${id}`;
    return this.#schema(await this.#ask('GET', path, null, `schema ${id}`), path);
  }

  /** Why the schema may not follow the subject's newest one; null when it may. */
  async incompatibility(subject: string, schema: string): Promise<string | null> {
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest?verbose=true`;
    let answer: Answer;
    try {
      answer = await this.#ask('POST', path, { schema }, subject);
    } catch (error) {
      // Nothing to follow.
      if (error instanceof RegistryError && error.kind === 'missing') return null;
      throw error;
    }
    if (answer.is_compatible === true) return null;
    const { messages, reason } = answer;
    if (Array.isArray(messages) && messages.length > 0) return messages.map(String).join('; ');
    return typeof reason === 'string' ? reason : 'the registry does not say why';
  }

  async #ask(method: string, path: string, body: object | null, what: string): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#askOnce(method, path, body, what);
      } catch (error) {
        const passing = error instanceof RegistryError && error.kind === 'away';
        if (!passing || attempt >= this.#attempts) throw error;
        await this.#sleep(firstPauseMs * 2 ** (attempt - 1));
      }
    }
  }

  async #askOnce(method: string, path: string, body: object | null, what: string): Promise<Answer> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.#url}${path}`, {
        method,
        headers: {
          accept: 'application/vnd.schemaregistry.v1+json, application/json',
          ...(this.#authorization === null ? {} : { authorization: this.#authorization }),
          ...(body === null ? {} : { 'content-type': 'application/json' }),
        },
        body: body === null ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      text = await response.text();
    } catch (cause) {
      throw new RegistryError(
        'away',
        `the schema registry ${this.#url} does not answer: ${reasonOf(cause)}`,
        { cause },
      );
    }
    const answer = parseAnswer(text);
    if (response.ok && answer !== null) return answer;
    const said = typeof answer?.message === 'string' ? answer.message : text.slice(0, 200);
    throw this.#refusal(response.status, what, said);
  }

  #refusal(status: number, what: string, said: string): RegistryError {
    const where = `the schema registry ${this.#url}`;
    if (status === 404) return new RegistryError('missing', `${where} has no ${what}: ${said}`);
    if (status === 409) return new RegistryError('incompatible', `${where}: ${what}: ${said}`);
    const kind = status >= 500 || status === 429 ? 'away' : 'refused';
    return new RegistryError(kind, `${where} answered ${status} to ${what}: ${said}`);
  }

  #id(answer: Answer, path: string): number {
    if (typeof answer.id === 'number') return answer.id;
    throw new RegistryError('refused', this.#unexpected('an id', path, answer));
  }

  #schema(answer: Answer, path: string): string {
    if (typeof answer.schema !== 'string') {
      throw new RegistryError('refused', this.#unexpected('a schema', path, answer));
    }
    const type = answer.schemaType ?? 'AVRO';
    if (type === 'AVRO') return answer.schema;
    throw new RegistryError('refused', this.#unexpected('an Avro schema', path, answer));
  }

  #unexpected(expected: string, path: string, answer: Answer): string {
    const got = JSON.stringify(answer).slice(0, 200);
    return `expected ${expected} from ${this.#url}${path}, got ${got}`;
  }
}

function parseAnswer(text: string): Answer | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
