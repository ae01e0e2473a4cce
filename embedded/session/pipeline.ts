import { replaceFunctions } from '../dialect/functions.ts';
import { PORTAL_SUSPENDED } from '../wire/backend.ts';
import type { Frame } from '../wire/frames.ts';
import { bind, CLOSE, describe, EXECUTE_ALL, parse, SYNC } from '../wire/request.ts';
import type { BackendPortal } from './backend-portal.ts';
import type { Context, Source } from './context.ts';

/** One extended message that concerns a statement of PostgreSQL's. */
export type Step =
  | { readonly kind: 'parse'; readonly source: Source; readonly done: () => void }
  | { readonly kind: 'bind'; readonly portal: BackendPortal; readonly source: Source }
  | { readonly kind: 'close' }
  | { readonly kind: 'describe-statement'; readonly source: Source }
  | { readonly kind: 'describe-portal'; readonly portal: BackendPortal; readonly source: Source }
  | {
      readonly kind: 'execute';
      readonly portal: BackendPortal;
      readonly source: Source;
      readonly maxRows: number;
    };

type BoundStep = Exclude<Step, { readonly kind: 'close' }>;

/** What the backend's next answer belongs to. */
interface Expected {
  readonly letters: string;
  /** False for the answer to a message that the client did not send. */
  readonly visible: boolean;
  readonly step: Step;
}

/**
 * Extended messages gathered until Sync or Flush, then run in one turn of the backend. Only unnamed
 * statements and portals are used there; a named one is sent again where it is needed, and the
 * answers to what was added are left out.
 */
export class Pipeline {
  readonly #context: Context;
  #steps: Step[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  get empty(): boolean {
    return this.#steps.length === 0;
  }

  /** Whether this portal's execution is gathered already: its next page is known only after it. */
  executes(portal: BackendPortal): boolean {
    return this.#steps.some((step) => step.kind === 'execute' && step.portal === portal);
  }

  add(step: Step): void {
    this.#steps.push(step);
  }

  clear(): void {
    this.#steps = [];
  }

  /** Runs what was gathered. True when it failed; the error has been sent then. */
  async run(continues: boolean): Promise<boolean> {
    const steps = this.#steps;
    this.#steps = [];
    if (steps.length === 0) return false;
    const { frames, expected, texts } = await this.#write(steps);
    const executed = steps.filter((step) => step.kind === 'execute').map((step) => step.source);
    const work = {
      frames: Buffer.concat([...frames, SYNC]),
      sql: texts.join('; '),
      writes: executed.some((source) => source.statement.access === 'write'),
      outsideTransaction: executed.some((source) => source.statement.outsideTransaction),
      continues,
    };
    const answers = new Answers(this.#context, expected);
    return this.#context.backend.run(work, (frame) => answers.take(frame));
  }

  async #write(steps: readonly Step[]) {
    const frames: Uint8Array[] = [];
    const expected: Expected[] = [];
    const texts: string[] = [];
    let statement: Source | undefined;
    let portal: BackendPortal | undefined;
    const needStatement = async (step: BoundStep, visible: boolean): Promise<void> => {
      if (statement === step.source && !visible) return;
      const sql = await replaceFunctions(step.source.statement.sql, this.#context.functions);
      frames.push(parse(sql, step.source.parameterTypes));
      expected.push({ letters: '1', visible, step });
      statement = step.source;
    };
    const needPortal = async (step: BoundStep, wanted: BackendPortal, visible: boolean) => {
      if (portal === wanted && !visible) return;
      await needStatement(step, false);
      frames.push(bind(wanted.binding.parameters, wanted.binding.resultFormats));
      expected.push({ letters: '2', visible, step });
      portal = wanted;
    };
    for (const step of steps) {
      if (step.kind === 'parse') await needStatement(step, true);
      else if (step.kind === 'bind') await needPortal(step, step.portal, true);
      else if (step.kind === 'close') {
        frames.push(CLOSE);
        expected.push({ letters: '3', visible: true, step });
        statement = undefined;
        portal = undefined;
      } else if (step.kind === 'describe-statement') {
        await needStatement(step, false);
        frames.push(describe('S'));
        expected.push({ letters: 'Tn', visible: true, step });
      } else {
        await needPortal(step, step.portal, false);
        frames.push(step.kind === 'execute' ? EXECUTE_ALL : describe('P'));
        const letters = step.kind === 'execute' ? 'CI' : 'Tn';
        expected.push({ letters, visible: true, step });
        if (step.kind === 'execute') texts.push(step.source.statement.sql);
      }
    }
    return { frames, expected, texts };
  }
}

/** Passes the backend's answers on, without those the client did not ask for. */
class Answers {
  readonly #context: Context;
  readonly #expected: readonly Expected[];
  #position = 0;
  #sent = 0;
  #kept: Uint8Array[] = [];

  constructor(context: Context, expected: readonly Expected[]) {
    this.#context = context;
    this.#expected = expected;
  }

  take(frame: Frame & { readonly whole: Buffer }): void {
    const letter = String.fromCharCode(frame.type);
    const current = this.#expected[this.#position];
    const whole = Buffer.from(frame.whole);
    if (current === undefined || letter === 'E' || letter === 'N') {
      this.#context.out.send(whole);
      return;
    }
    const step = current.step;
    if (letter === 'D' && step.kind === 'execute' && step.maxRows > 0) {
      if (this.#sent < step.maxRows) this.#context.out.send(whole);
      else this.#kept.push(whole);
      this.#sent++;
      return;
    }
    if (!current.letters.includes(letter)) {
      this.#context.out.send(whole);
      return;
    }
    this.#position++;
    if (step.kind === 'parse' && current.visible) step.done();
    if (step.kind === 'execute' && letter === 'C') this.#finish(step, whole);
    else if (current.visible) this.#context.out.send(whole);
  }

  #finish(step: Extract<Step, { kind: 'execute' }>, tag: Buffer): void {
    step.portal.keep(this.#kept, tag);
    this.#context.out.send(this.#kept.length > 0 ? PORTAL_SUSPENDED : tag);
    this.#kept = [];
    this.#sent = 0;
  }
}
