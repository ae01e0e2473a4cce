import {
  type Engine,
  EngineError,
  type Field,
  type Settings,
  type SubscribeRequest,
  type Subscription,
  type SubscriptionRow,
} from '../engine.ts';
import { commandComplete, errorResponse, frame, readyForQuery } from '../wire/backend.ts';
import { splitFrames } from '../wire/frames.ts';
import { dataRows } from '../wire/rows.ts';

/** For tests: a subscription whose rows the test pushes. */
export class FakeSubscription implements Subscription {
  readonly asOf = 1000n;
  readonly fields: readonly Field[] = [
    { name: 'k', typeOid: 23, typeSize: 4, typeModifier: -1 },
    { name: 'v', typeOid: 25, typeSize: -1, typeModifier: -1 },
  ];
  readonly request: SubscribeRequest;
  readonly settings: Settings;
  closed = false;
  #rows: SubscriptionRow[] = [];
  #over = false;
  #failure: EngineError | undefined;
  #wake: (() => void) | undefined;

  constructor(request: SubscribeRequest, settings: Settings) {
    this.request = request;
    this.settings = settings;
  }

  get ended(): boolean {
    return this.#over && this.#rows.length === 0;
  }

  push(...rows: readonly SubscriptionRow[]): void {
    this.#rows.push(...rows);
    this.#wake?.();
  }

  finish(): void {
    this.#over = true;
    this.#wake?.();
  }

  fail(error: EngineError): void {
    this.#failure = error;
    this.#wake?.();
  }

  take(limit: number): readonly SubscriptionRow[] {
    return this.#rows.splice(0, limit);
  }

  async ready(signal: AbortSignal): Promise<void> {
    if (this.#rows.length > 0 || this.#over) return;
    await new Promise<void>((resolve, reject) => {
      this.#wake = resolve;
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      if (this.#failure !== undefined) resolve();
    });
    if (this.#failure !== undefined) throw this.#failure;
  }

  close(): void {
    this.closed = true;
  }
}

export function progress(time: number): SubscriptionRow {
  return { kind: 'progress', time: BigInt(time) };
}

export function data(time: number, diff: number, ...values: (string | null)[]): SubscriptionRow {
  const bytes = values.map((value) => (value === null ? null : Buffer.from(value)));
  return { kind: 'data', time: BigInt(time), diff, values: bytes };
}

/**
 * For tests: an engine whose backend answers each Query and Execute with a row that repeats the
 * statement, fails those that contain `fail`, and notes what it was asked.
 */
export class FakeEngine implements Engine {
  readonly identity = 'fake';
  /** What happened, in order: `auto: …`, `begin`, `held: …`, `release`. */
  readonly log: string[] = [];
  readonly subscriptions: FakeSubscription[] = [];
  readonly views: string[] = [];
  readonly catalog: Engine['catalog'] = {
    createView: async (request) => {
      this.views.push(request.name);
      return request.materialized ? 're-evaluated: it is a fake' : null;
    },
    createKafka: async ({ name, type }) => {
      this.log.push(`create ${type}: ${name}`);
      return null;
    },
    drop: async ({ names }) => {
      this.log.push(`drop: ${names.join()}`);
    },
    relations: async () => [
      {
        name: 'v',
        kind: 'materialized-view',
        reevaluated: 'it is a fake',
        sql: 'CREATE',
        countsSince: null,
        reading: null,
      },
      {
        name: 't',
        kind: 'table',
        reevaluated: null,
        sql: 'CREATE TABLE t ()',
        countsSince: null,
        reading: null,
      },
    ],
    columns: async () => [{ name: 'k', nullable: false, type: 'integer' }],
  };

  async autocommit(
    unit: Parameters<Engine['autocommit']>[0],
    _: Settings,
    emit: (b: Uint8Array) => void,
  ) {
    this.log.push(`auto: ${unit.sql}`);
    answer(unit.frames, 'I', emit);
  }

  async begin() {
    this.log.push('begin');
    let released = false;
    return {
      execute: async (frames: Uint8Array, emit: (bytes: Uint8Array) => void) => {
        this.log.push(`held: ${statementOf(frames)}`);
        return answer(frames, 'T', emit);
      },
      release: async () => {
        if (!released) this.log.push('release');
        released = true;
      },
    };
  }

  async subscribe(request: SubscribeRequest, settings: Settings): Promise<FakeSubscription> {
    if ('relation' in request.from && request.from.relation === 'nosuch') {
      throw new EngineError('XX000', "unknown catalog item 'nosuch'");
    }
    const subscription = new FakeSubscription(request, settings);
    this.subscriptions.push(subscription);
    return subscription;
  }

  async now(): Promise<bigint> {
    return 1234n;
  }
}

function statementOf(frames: Uint8Array): string {
  for (const { type, body } of splitFrames(frames)) {
    const letter = String.fromCharCode(type);
    if (letter === 'Q') return body.toString('utf8', 0, body.length - 1);
    if (letter === 'P') return body.toString('utf8', 1, body.indexOf(0, 1));
  }
  return '';
}

function answer(frames: Uint8Array, status: 'I' | 'T', emit: (bytes: Uint8Array) => void) {
  let sql = '';
  for (const { type, body } of splitFrames(frames)) {
    const letter = String.fromCharCode(type);
    if (letter === 'Q') sql = body.toString('utf8', 0, body.length - 1);
    if (letter === 'P') sql = body.toString('utf8', 1, body.indexOf(0, 1));
    const fails = /\bfail\b/.test(sql) && letter !== 'S';
    if (fails) {
      const failed = status === 'T' ? 'E' : 'I';
      emit(
        Buffer.concat([
          errorResponse(new EngineError('22012', 'it failed')),
          readyForQuery(failed),
        ]),
      );
      return failed;
    }
    emit(answerOne(letter, sql));
  }
  emit(readyForQuery(status));
  return status;
}

const ONE_COLUMN = frame('T', Buffer.from([0, 0]));

function answerOne(letter: string, sql: string): Buffer {
  const count = Number(/\brows (\d+)/.exec(sql)?.[1] ?? 1);
  const rows = dataRows(Array.from({ length: count }, (_, n) => [Buffer.from(`${sql}#${n}`)]));
  const done = commandComplete(/^(COMMIT|ROLLBACK)$/.test(sql) ? sql : `SELECT ${count}`);
  switch (letter) {
    case 'Q':
      return Buffer.concat([ONE_COLUMN, rows, done]);
    case 'P':
      return frame('1');
    case 'B':
      return frame('2');
    case 'D':
      return ONE_COLUMN;
    case 'E':
      return Buffer.concat([rows, done]);
    case 'C':
      return frame('3');
    default:
      return Buffer.alloc(0);
  }
}
