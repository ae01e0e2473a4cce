import { WebSocket } from 'ws';
import { connect } from '../../../client/client.ts';
import { WORLD } from '../../../client/environment.ts';
import type { Change, ViewBatch, ViewTypes } from '../../../client/subscription.ts';
import { Bag, type Holding } from '../holding.ts';
import type { Kind, Opening } from './kind.ts';
import { readV1, type V1Progress } from './v1-message.ts';

/** Views of so many rows are looked at as a whole after each batch. */
const MOST_COMPARED_ROWS = 500;

const MOST_KEPT_MESSAGES = 16;
const MOST_KEPT_CHARACTERS = 400;

/** The project's own client: it comes back by itself, for as long as the link is not closed. */
export const library: Kind = {
  name: 'library',
  isResuming: true,
  isGrouped: true,
  isFiltered: true,
  open: (opening) => {
    const { host, port, holdings, random, failed } = opening;
    for (const holding of holdings) holding.forget();
    const wire = new Wire(opening);
    const client = connect<ViewTypes>(`http://${host}:${port}`, {
      environment: {
        ...WORLD,
        open: wire.open,
        random: () => random.next(),
        onWake: wire.onWake,
      },
    });
    const where = Object.fromEntries(
      holdings.flatMap(({ question }) =>
        question.where === undefined ? [] : [[question.view, question.where]],
      ),
    );
    client.subscribe(
      holdings.map(({ question }) => question.view),
      {
        where,
        onBatch: (batch, subscription) => {
          try {
            for (const holding of holdings) {
              take(holding, batch, wire.epoch);
              compare(holding, subscription.rows(holding.question.view));
            }
          } catch (error) {
            client.close();
            failed(error instanceof Error ? error : new Error(String(error)));
          }
        },
        onStatus: ({ state, error }) => {
          // A view is refused while a new store has not got it yet: another client asks later.
          if (state !== 'refused') return;
          client.close();
          opening.closed(`refused: ${error?.message}`);
        },
      },
    );
    return {
      pause: () => wire.pause(),
      resume: () => wire.resume(),
      drop: () => wire.drop(),
      close: () => client.close(),
    };
  },
};

function take(holding: Holding, batch: ViewBatch<ViewTypes>, epoch: string): void {
  const { view } = holding.question;
  const changes: readonly Change<readonly unknown[]>[] = batch.changes(view);
  const rows = (direction: 1 | -1) =>
    changes.flatMap(([diff, row]) =>
      Array.from({ length: Math.max(0, diff * direction) }, () => row),
    );
  const how = `batch from ${batch.lower} to ${batch.upper}`;
  const frontier = Number(batch.held[view] ?? batch.upper);
  holding.change(rows(-1), rows(1), frontier, epoch, how);
}

/** What the client shows is what its batches say. */
function compare(holding: Holding, rows: readonly (readonly unknown[])[]): void {
  if (rows.length > MOST_COMPARED_ROWS) return;
  const bag = new Bag();
  for (const row of rows) bag.add(row, 1);
  if (holding.holds(bag.fingerprint)) return;
  throw new Error(`the rows are not the sum of the batches: ${bag.list().join(' ')}`);
}

/** The client's socket, with a hand on it. */
class Wire {
  readonly #opening: Opening;
  #socket: WebSocket | null = null;
  #isPaused = false;
  /** The last messages, for people. */
  readonly #heard: string[] = [];
  #wake: (why: 'wake') => void = () => {};
  /** Of the last `subscribed`: the client keeps it to itself. */
  epoch = '';

  constructor(opening: Opening) {
    this.#opening = opening;
  }

  readonly open: (typeof WORLD)['open'] = (url, listener) => {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    this.#socket = socket;
    let isOver = false;
    for (const holding of this.#opening.holdings) holding.visit();
    let isAsked = false;
    socket.on('open', () => {
      if (this.#isPaused) socket.pause();
      if (!isOver) listener.opened();
    });
    socket.on('message', (data) => {
      if (isOver) return;
      const text = String(data);
      this.#heard.push(text.slice(0, MOST_KEPT_CHARACTERS));
      if (this.#heard.length > MOST_KEPT_MESSAGES) this.#heard.shift();
      const message = readV1(text);
      if (message.type === 'subscribed') this.#begin(message.epoch);
      if (message.type === 'error') isAsked = false;
      listener.message(text);
      if (message.type === 'progress') this.#prove(message);
    });
    socket.on('error', () => {});
    socket.on('close', (code, reason) => {
      if (isOver) return;
      isOver = true;
      listener.closed(code, String(reason));
    });
    return {
      send: (text) => {
        socket.send(text);
        if (!text.includes('"subscribe"')) return;
        if (isAsked) {
          const said = this.#heard.map((each) => `\n  ${each}`).join('');
          this.#opening.failed(new Error(`it met a gap or a wrong hash: ${text} after${said}`));
        }
        isAsked = true;
      },
      close: () => {
        isOver = true;
        socket.terminate();
      },
    };
  };

  readonly onWake = (then: (why: 'wake') => void): (() => void) => {
    this.#wake = then;
    return () => {
      this.#wake = () => {};
    };
  };

  pause(): void {
    this.#isPaused = true;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.pause();
  }

  /** As when somebody looks at the page again. */
  resume(): void {
    this.#isPaused = false;
    this.#wake('wake');
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.resume();
  }

  drop(): void {
    this.#socket?.terminate();
  }

  #begin(epoch: string): void {
    this.epoch = epoch;
    for (const holding of this.#opening.holdings) holding.visit();
  }

  /** The client takes quiet as it is; what it then holds is a claim like any other. */
  #prove({ upper, held = {} }: V1Progress): void {
    for (const holding of this.#opening.holdings) {
      const frontier = held[holding.question.view] ?? upper;
      if (frontier > (holding.frontier ?? frontier)) holding.prove(frontier);
    }
  }
}
