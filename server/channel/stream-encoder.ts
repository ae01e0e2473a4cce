import type { Changes } from '../../protocol/update.ts';
import type { ResumeToken } from './resume-token.ts';
import {
  encodeChanges,
  encodeSnapshot,
  frame,
  listRows,
  type StreamFormat,
} from './stream-message.ts';
import type { LiveView } from './view.ts';

/** What a snapshot has around its rows: the token, the keys, the mark. */
const ENVELOPE_BYTES = 120;

/** A message's bytes in the framing asked for; each is made once, when first asked for. */
export type Framed = (format: StreamFormat) => Uint8Array;

/** Encodes a view's messages, each once, however many viewers it is for. */
export class StreamEncoder {
  readonly #view: LiveView;
  #rowsText: string | null = null;
  /** Snapshots as of the view's frontier, by framing and mark. */
  readonly #snapshots = new Map<string, Uint8Array>();

  constructor(view: LiveView) {
    this.#view = view;
  }

  /** To be called whenever the view's frontier moved: what is kept is out of date. */
  moved(rowsChanged: boolean): void {
    if (rowsChanged) this.#rowsText = null;
    this.#snapshots.clear();
  }

  /** The view's rows as JSON texts, comma-separated, equal rows repeated. */
  rowsText(): string {
    this.#rowsText ??= listRows(this.#view.rows, 1);
    return this.#rowsText;
  }

  /** About the bytes of a marked snapshot, for comparing it with a batch. */
  snapshotSize(): number {
    return this.rowsText().length + ENVELOPE_BYTES;
  }

  batch(changes: Changes, position: ResumeToken): Framed {
    return onceEach(encodeChanges(changes, position.frontier), position);
  }

  /** The view at `position`, which must be where it stands. */
  snapshot(format: StreamFormat, position: ResumeToken, replaces: boolean): Uint8Array {
    const key = `${format} ${replaces}`;
    const known = this.#snapshots.get(key);
    if (known !== undefined) return known;
    const text = encodeSnapshot(this.rowsText(), position.frontier, replaces);
    const bytes = Buffer.from(frame(format, text, position));
    this.#snapshots.set(key, bytes);
    return bytes;
  }
}

function onceEach(text: string, position: ResumeToken): Framed {
  const made = new Map<StreamFormat, Uint8Array>();
  return (format) => {
    const known = made.get(format) ?? Buffer.from(frame(format, text, position));
    made.set(format, known);
    return known;
  };
}
