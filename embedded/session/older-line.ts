/**
 * What differs on Materialize's line up to 0.26, as far as clients of the engine meet it: SUBSCRIBE is
 * no word of its, an AS OF without history is refused in another sentence, a stream of a view that
 * cannot change starts without progress, and a stream whose view is dropped says nothing more.
 */
import type { Statement, SubscribeStatement } from '../dialect/statement.ts';
import {
  type Catalog,
  END_OF_TIME,
  type Engine,
  EngineError,
  type SubscribeRequest,
  type Subscription,
  type SubscriptionRow,
} from '../engine.ts';

/**
 * Refuses the forms that came with SUBSCRIBE.
 *
 * @throws {EngineError} 42601.
 */
export function requireOlderForm(statement: Statement): void {
  const subscribe = subscribeOf(statement);
  if (subscribe === null) return;
  if (subscribe.keyword === 'SUBSCRIBE') {
    throw new EngineError(
      '42601',
      'Expected a keyword at the beginning of a statement, found identifier "subscribe"',
    );
  }
  const { upsertKey, request } = subscribe;
  if (upsertKey !== null || request.upTo !== undefined) {
    throw new EngineError('42601', 'Expected end of statement, found ENVELOPE or UP TO');
  }
}

function subscribeOf(statement: Statement): SubscribeStatement | null {
  if (statement.kind === 'copy-subscribe') return statement.subscribe;
  if (statement.kind === 'declare') return subscribeOf(statement.statement);
  return statement.kind === 'subscribe' ? statement : null;
}

/** The engine as clients of the older line know Materialize. */
export function asOlderLine(engine: Engine): Engine {
  return {
    identity: engine.identity,
    catalog: olderCatalog(engine.catalog),
    autocommit: (unit, settings, emit) => engine.autocommit(unit, settings, emit),
    begin: (settings) => engine.begin(settings),
    now: () => engine.now(),
    async subscribe(request, settings) {
      try {
        return olderSubscription(await engine.subscribe(request, settings));
      } catch (error) {
        throw refusal(error, request);
      }
    },
  };
}

/** DROP VIEW is also for materialized views. */
function olderCatalog(catalog: Catalog): Catalog {
  return {
    createView: (request) => catalog.createView(request),
    createKafka: (request) => catalog.createKafka(request),
    relations: () => catalog.relations(),
    columns: (relation) => catalog.columns(relation),
    async drop(request) {
      if (request.kind !== 'view') return catalog.drop(request);
      const relations = await catalog.relations();
      const isMaterialized = (name: string) =>
        relations.some((it) => it.name === name && it.kind === 'materialized-view');
      for (const name of request.names) {
        const kind = isMaterialized(name) ? 'materialized-view' : 'view';
        await catalog.drop({ ...request, kind, names: [name] });
      }
    },
  };
}

function refusal(error: unknown, { asOf }: SubscribeRequest): unknown {
  if (!(error instanceof EngineError) || asOf === undefined) return error;
  if (error.code !== '22000' || !error.message.includes('valid timestamp')) return error;
  const since = /\[(\d+)\]\nupper/.exec(error.detail ?? '')?.[1] ?? '';
  return new EngineError(
    'XX000',
    `Timestamp (${asOf.time}) is not valid for all inputs: [Antichain { elements: [${since}] }]`,
  );
}

function olderSubscription(inner: Subscription): Subscription {
  const isConstant = inner.asOf === END_OF_TIME;
  const counts = (row: SubscriptionRow) => !isConstant || row.kind === 'data';
  return {
    fields: inner.fields,
    asOf: inner.asOf,
    take(limit) {
      // An empty page means that nothing is ready: a page of progress alone is passed over.
      for (;;) {
        const rows = inner.take(limit);
        const kept = rows.filter(counts);
        if (kept.length > 0 || rows.length === 0) return kept;
      }
    },
    async ready(signal) {
      try {
        await inner.ready(signal);
      } catch (error) {
        const isDropped = error instanceof EngineError && error.code === '42704';
        if (!isDropped) throw error;
        await aborted(signal);
      }
    },
    get ended() {
      return inner.ended;
    },
    close: () => inner.close(),
  };
}

/** Rejects with the signal's reason. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
