import type { Holding } from '../holding.ts';
import { httpStream } from './http-stream.ts';
import { type Kind, onlyHolding } from './kind.ts';
import { takeStreamMessage } from './stream-message.ts';

const TOKEN = /^([A-Za-z0-9_-]{16})\.(\d+)$/;

/** Server-sent events: each names its epoch and frontier, and the next connection goes on there. */
export const sse: Kind = {
  name: 'sse',
  isResuming: true,
  isGrouped: false,
  isFiltered: false,
  open(opening) {
    const holding = onlyHolding(opening);
    const isResuming = holding.epoch !== null;
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (isResuming) headers['Last-Event-ID'] = `${holding.epoch}.${holding.frontier}`;
    let isFirst = !isResuming;
    let rest = '';
    const path = `/api/stream/${encodeURIComponent(holding.question.view)}`;
    return httpStream(opening, path, headers, (text) => {
      const blocks = (rest + text).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) if (takeBlock(holding, block, isFirst)) isFirst = false;
    });
  },
};

/**
 * Takes one event, or a comment with an id: a browser then goes on from that id, so it is a claim
 * that nothing changed up to there, also when the view was made anew with the same rows. Returns
 * whether it was an event.
 */
function takeBlock(holding: Holding, block: string, isWhole: boolean): boolean {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const [, name, value] = /^(\w*):\s?(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`no line of SSE: ${line}`);
    fields.set(name, value);
  }
  // Of the upstream, and not of the rows.
  if (fields.get('event') === 'status') return false;
  const id = fields.get('id');
  const data = fields.get('data');
  if (data === undefined) {
    if (id !== undefined && !isWhole) prove(holding, readToken(id));
    return false;
  }
  const { epoch, frontier } = readToken(id);
  takeStreamMessage(holding, data, { isWhole, epoch });
  if (holding.frontier !== frontier) {
    throw new Error(`the id ${id} is not the timestamp ${holding.frontier} of its message`);
  }
  return true;
}

function prove(holding: Holding, { epoch, frontier }: Token): void {
  holding.prove(frontier, epoch);
}

interface Token {
  readonly epoch: string;
  readonly frontier: number;
}

function readToken(id: string | undefined): Token {
  const [, epoch, frontier] = TOKEN.exec(id ?? '') ?? [];
  if (epoch === undefined) throw new Error(`expected <epoch>.<frontier> as an id, got ${id}`);
  return { epoch, frontier: Number(frontier) };
}
