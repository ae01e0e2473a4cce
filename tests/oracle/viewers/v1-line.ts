import type { Holding, Row } from '../holding.ts';
import type { V1Batch, V1Progress, V1Subscribed } from './v1-message.ts';

/** A position in a group: what `subscribe` says as `from`. */
interface From {
  readonly epoch: string;
  readonly timestamp: number;
  readonly held?: Readonly<Record<string, number>>;
}

/**
 * One subscription, as strict as PROTOCOL.md allows: each batch starts where the one before ended,
 * a resumed one where it asked, parts come in order, and nothing comes before `subscribed`.
 */
export class V1Line {
  readonly #holdings: readonly Holding[];
  #channel: number | null = null;
  #epoch = '';
  /** What the next batch must start from: the last upper, or what was asked from. */
  #lower: number | null = null;
  #mustBeSnapshot = false;
  #isFirst = true;
  #parts: V1Batch[] = [];

  constructor(holdings: readonly Holding[]) {
    this.#holdings = holdings;
  }

  /** Where to go on; undefined when nothing is held yet. */
  from(): From | undefined {
    const [first] = this.#holdings;
    const frontiers = this.#holdings.map(({ frontier }) => frontier ?? -1);
    const timestamp = Math.max(...frontiers);
    if (first === undefined || first.epoch === null || frontiers.includes(-1)) return undefined;
    const behind = this.#holdings.filter(({ frontier }) => frontier !== timestamp);
    const held = Object.fromEntries(
      behind.map(({ question, frontier }) => [question.view, frontier ?? 0]),
    );
    const from = { epoch: first.epoch, timestamp };
    return behind.length === 0 ? from : { ...from, held };
  }

  begin(message: V1Subscribed, from: From | undefined): void {
    this.#channel = message.channel;
    this.#epoch = message.epoch;
    this.#isFirst = true;
    this.#parts = [];
    this.#mustBeSnapshot = message.resumed === 'snapshot';
    this.#lower = from?.timestamp ?? null;
    if (message.resumed === 'batch' && from?.epoch !== message.epoch) {
      throw new Error(`it resumes ${from?.epoch} by a batch of ${message.epoch}`);
    }
  }

  /** Whether the channel is this line's; others are of subscriptions that were ended. */
  owns(channel: number): boolean {
    return this.#channel === channel;
  }

  /** Takes a batch or a part of one; the frontier to acknowledge, or null in mid-batch. */
  batch(message: V1Batch): number | null {
    const whole = this.#gather(message);
    if (whole === null) return null;
    const { lower, upper, held = {} } = message;
    const wanted = this.#isFirst && this.#mustBeSnapshot ? null : this.#lower;
    if (lower !== wanted) throw new Error(`a batch from ${lower} follows ${wanted}`);
    if (lower !== null && upper < lower) throw new Error(`a batch goes from ${lower} to ${upper}`);
    if (lower === upper && !this.#isFirst) throw new Error(`a batch stays at ${upper}`);
    for (const holding of this.#holdings) {
      const { view } = holding.question;
      const frontier = held[view] ?? upper;
      const { deleted, inserted } = whole.get(view) ?? { deleted: [], inserted: [] };
      const how = `batch from ${lower} to ${upper}`;
      if (lower === null) holding.replace(inserted, frontier, this.#epoch, how);
      else holding.change(deleted, inserted, frontier, this.#epoch, how);
    }
    this.#isFirst = false;
    this.#lower = upper;
    return upper;
  }

  progress({ upper, held = {} }: V1Progress): void {
    if (this.#isFirst) throw new Error('progress comes before the first batch');
    if (upper < (this.#lower ?? 0)) throw new Error(`progress ${upper} follows ${this.#lower}`);
    for (const holding of this.#holdings) holding.prove(held[holding.question.view] ?? upper);
    this.#lower = upper;
  }

  /** The changes of a whole batch by view, once the last part is there. */
  #gather(message: V1Batch): Map<string, { deleted: Row[]; inserted: Row[] }> | null {
    const { part = 0, parts = 1 } = message;
    if (part === 0) this.#parts = [];
    if (part !== this.#parts.length) {
      throw new Error(`part ${part} follows ${this.#parts.length} parts`);
    }
    this.#parts.push(message);
    if (part < parts - 1) return null;
    const gathered = new Map<string, { deleted: Row[]; inserted: Row[] }>();
    for (const { changes } of this.#parts) {
      for (const [view, rows] of Object.entries(changes)) {
        const { deleted, inserted } = gathered.get(view) ?? { deleted: [], inserted: [] };
        gathered.set(view, { deleted, inserted });
        for (const [diff, row] of rows) {
          if (diff === 0) throw new Error(`a diff of 0: ${JSON.stringify(row)}`);
          for (let n = 0; n < Math.abs(diff); n++) (diff > 0 ? inserted : deleted).push(row);
        }
      }
    }
    this.#parts = [];
    return gathered;
  }
}
