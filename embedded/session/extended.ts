import { countParameters } from '../dialect/parameters.ts';
import { EngineError } from '../engine.ts';
import { splitStatements } from '../lexer.ts';
import {
  BIND_COMPLETE,
  CLOSE_COMPLETE,
  EMPTY_QUERY,
  NO_DATA,
  PARSE_COMPLETE,
  parameterDescription,
} from '../wire/backend.ts';
import type { FrontendMessage } from '../wire/frontend.ts';
import { NO_PARAMETERS } from '../wire/request.ts';
import { ALREADY_SENT, BackendPortal } from './backend-portal.ts';
import {
  type Context,
  closePortal,
  closePortals,
  findPortal,
  type Portal,
  type Prepared,
} from './context.ts';
import { Pipeline, type Step } from './pipeline.ts';
import { makePortal, readStatement } from './portal.ts';

type Message<T extends FrontendMessage['type']> = Extract<FrontendMessage, { type: T }>;

const ANY_STATE = new Set(['commit', 'rollback']);

/**
 * The extended protocol. What PostgreSQL runs is gathered and run in one turn at Sync or Flush; what
 * the session runs itself first lets the gathered go ahead, so that answers keep their order.
 */
export class Extended {
  readonly #context: Context;
  readonly #pipeline: Pipeline;
  /** Statements whose Parse PostgreSQL has not confirmed. */
  readonly #unconfirmed = new Set<string>();
  readonly #portalSources = new WeakMap<BackendPortal, NonNullable<Prepared['source']>>();
  /** Portals that run in a failed transaction too. */
  readonly #ending = new WeakSet<Portal>();
  /** After an error everything is skipped until Sync. */
  skipping = false;

  constructor(context: Context) {
    this.#context = context;
    this.#pipeline = new Pipeline(context);
  }

  async handle(message: FrontendMessage): Promise<void> {
    switch (message.type) {
      case 'parse':
        return this.#parse(message);
      case 'bind':
        return this.#bind(message);
      case 'describe':
        return message.what === 'S'
          ? this.#describeStatement(message)
          : this.#describePortal(message);
      case 'execute':
        return this.#execute(message);
      case 'close':
        if (message.what === 'S') this.#context.statements.delete(message.name);
        else closePortal(this.#context, message.name);
        if (this.#pipeline.empty) this.#context.out.send(CLOSE_COMPLETE);
        else this.#pipeline.add({ kind: 'close' });
        return;
      case 'flush':
        return this.settle();
      default:
        // COPY data that is still on its way after an error: to be ignored.
        return;
    }
  }

  /** Runs what was gathered; more of the same implicit transaction may follow. */
  async settle(): Promise<void> {
    await this.#run(true);
  }

  /** The same after an error of a later message. False when what was gathered failed by itself. */
  async settleQuietly(): Promise<boolean> {
    if (this.#pipeline.empty) return true;
    try {
      await this.#run(true);
      return true;
    } catch (error) {
      if (error === ALREADY_SENT) return false;
      throw error;
    }
  }

  async sync(): Promise<void> {
    const { backend, out } = this.#context;
    try {
      await this.#run(false);
    } finally {
      this.skipping = false;
      await backend.sync((frame) => out.send(Buffer.from(frame.whole)));
      if (backend.status === 'I') closePortals(this.#context);
    }
  }

  /** A failed transaction refuses a message at once, not when the next one lets it go ahead. */
  #gather(step: Step): void {
    this.#context.backend.requireHealthy();
    this.#pipeline.add(step);
  }

  async #run(continues: boolean): Promise<void> {
    const failed = await this.#pipeline.run(continues);
    if (failed) for (const name of this.#unconfirmed) this.#context.statements.delete(name);
    this.#unconfirmed.clear();
    if (failed) throw ALREADY_SENT;
  }

  async #parse(message: Message<'parse'>): Promise<void> {
    const { statements, backend, out } = this.#context;
    const { name, parameterTypes } = message;
    if (name !== '' && statements.has(name)) {
      throw new EngineError('42P05', `prepared statement "${name}" already exists`);
    }
    const [text, ...more] = splitStatements(message.sql);
    if (more.length > 0) {
      throw new EngineError('42601', 'cannot insert multiple commands into a prepared statement');
    }
    const statement = text === undefined ? null : readStatement(this.#context, text);
    if (statement !== null && !ANY_STATE.has(statement.kind)) backend.requireHealthy();
    const source = statement?.kind === 'backend' ? { statement, parameterTypes } : null;
    const prepared = { text: text ?? NOTHING, statement, source, parameterTypes };
    if (source === null) {
      await this.settle();
      out.send(PARSE_COMPLETE);
    } else {
      this.#unconfirmed.add(name);
      this.#pipeline.add({ kind: 'parse', source, done: () => this.#unconfirmed.delete(name) });
    }
    statements.set(name, prepared);
  }

  async #bind(message: Message<'bind'>): Promise<void> {
    const { portals, out } = this.#context;
    const prepared = this.#prepared(message.statement);
    if (message.portal !== '' && portals.has(message.portal)) {
      throw new EngineError('42P03', `portal "${message.portal}" already exists`);
    }
    closePortal(this.#context, message.portal);
    const { source, statement, text, parameterTypes } = prepared;
    const { parameters, resultFormats } = message;
    if (source !== null) {
      const portal = new BackendPortal(this.#context, { ...source, parameters, resultFormats });
      this.#portalSources.set(portal, source);
      portals.set(message.portal, portal);
      this.#gather({ kind: 'bind', portal, source });
      return;
    }
    await this.settle();
    const portal =
      statement === null
        ? emptyPortal(this.#context)
        : makePortal(this.#context, { text, statement, parameterTypes, parameters, resultFormats });
    if (statement !== null && ANY_STATE.has(statement.kind)) this.#ending.add(portal);
    portals.set(message.portal, portal);
    out.send(BIND_COMPLETE);
  }

  async #describeStatement(message: Message<'describe'>): Promise<void> {
    const { out } = this.#context;
    const { source, statement, text, parameterTypes } = this.#prepared(message.name);
    if (source !== null) return this.#gather({ kind: 'describe-statement', source });
    await this.settle();
    const count = countParameters(text);
    const types = Array.from({ length: count }, (_, index) => parameterTypes[index] || TEXT_OID);
    out.send(parameterDescription(types));
    if (statement === null) return out.send(NO_DATA);
    const parameters = { ...NO_PARAMETERS, values: types.map(() => null) };
    const bound = { text, statement, parameterTypes, parameters, resultFormats: [] };
    const portal = makePortal(this.#context, bound);
    try {
      out.send(await portal.describe());
    } finally {
      portal.close();
    }
  }

  async #describePortal(message: Message<'describe'>): Promise<void> {
    const portal = findPortal(this.#context, message.name, 'portal');
    const source = this.#sourceOf(portal);
    if (portal instanceof BackendPortal && source !== undefined) {
      return this.#gather({ kind: 'describe-portal', portal, source });
    }
    await this.settle();
    this.#context.out.send(await portal.describe());
  }

  async #execute(message: Message<'execute'>): Promise<void> {
    const portal = findPortal(this.#context, message.portal, 'portal');
    const { maxRows } = message;
    const source = this.#sourceOf(portal);
    const gathers = portal instanceof BackendPortal && source !== undefined && !portal.ran;
    if (gathers && !this.#pipeline.executes(portal)) {
      return this.#gather({ kind: 'execute', portal, source, maxRows });
    }
    await this.settle();
    if (!this.#ending.has(portal)) this.#context.backend.requireHealthy();
    await portal.execute(maxRows);
  }

  /** What the pipeline needs of a portal that Bind made; cursors of DECLARE run by themselves. */
  #sourceOf(portal: Portal): NonNullable<Prepared['source']> | undefined {
    return portal instanceof BackendPortal ? this.#portalSources.get(portal) : undefined;
  }

  #prepared(name: string): Prepared {
    const prepared = this.#context.statements.get(name);
    if (prepared !== undefined) return prepared;
    throw new EngineError('26000', `prepared statement "${name}" does not exist`);
  }
}

const TEXT_OID = 25;
const NOTHING = { sql: '', tokens: [] };

/** A statement of nothing. */
function emptyPortal(context: Context): Portal {
  return {
    describe: async () => NO_DATA,
    execute: async () => context.out.send(EMPTY_QUERY),
    close: () => {},
  };
}
