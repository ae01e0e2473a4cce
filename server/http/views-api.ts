import type { Column, Frontier } from '../../protocol/update.ts';
import { errorReply, jsonReply, type Reply, unknownListReply, unknownViewReply } from '../reply.ts';
import { decodeSegment, type Request } from '../request.ts';
import { matchPath, type Route, type Visitor } from './routes.ts';

/** A view as it is shown over HTTP; fulfilled by shape. */
export interface ShownView {
  readonly name: string;
  readonly columns: readonly Column[];
  /** The statement that made it; null where the database does not tell it. */
  readonly definition?: string | null;
  readonly epoch: string;
  /** Null while hydrating. */
  readonly frontier: Frontier | null;
  readonly state: string;
  readonly rows: ReadonlyMap<string, number>;
}

/** A view with what its channel knows of it. */
export interface ShownChannel {
  readonly view: ShownView;
  /** Viewers of its streams. */
  readonly viewers: number;
  /** The frontier at which the rows last changed; null while hydrating. */
  readonly changedAt: Frontier | null;
  /** The rows as JSON texts, comma-separated. */
  rowsText(): string;
}

/** The views that are served. */
export interface ViewSource {
  /** Whether the list of views is known. */
  readonly known: boolean;
  get(name: string): ShownChannel | undefined;
  all(): readonly ShownChannel[];
}

/** `GET /api/views`: what there is, for who asks. `sessions` counts the viewers not of streams. */
export function catalogueRoute(source: ViewSource, sessions: (view: string) => number): Route {
  return ({ path }, visitor) => {
    if (path !== '/api/views' && path !== '/api/views/') return null;
    if (!source.known) return unknownListReply;
    const views = seenBy(source, visitor).map((channel) =>
      describe(channel.view, channel.viewers + sessions(channel.view.name)),
    );
    return jsonReply(200, { views });
  };
}

const seenBy = (source: ViewSource, visitor: Visitor): readonly ShownChannel[] =>
  source.all().filter(({ view }) => visitor.forbidsView(view.name) === null);

/** `GET /api/views/<view>`: a view's rows at its frontier, with an ETag that stands until they change. */
export function viewRoute(source: ViewSource): Route {
  return (request, visitor) => {
    const [segment] = matchPath(request.path, '/api/views/:') ?? [];
    if (segment === undefined) return null;
    const name = decodeSegment(segment) ?? segment;
    const forbidden = visitor.forbidsView(name);
    if (forbidden !== null) return forbidden.reply;
    const channel = source.get(name);
    if (channel === undefined) {
      if (!source.known) return unknownListReply;
      const names = seenBy(source, visitor).map(({ view }) => view.name);
      return unknownViewReply(name, names);
    }
    return channel.changedAt === null ? hydrating(name) : show(channel, request);
  };
}

function describe(view: ShownView, viewers: number): unknown {
  let rows = 0;
  for (const multiplicity of view.rows.values()) rows += multiplicity;
  return {
    name: view.name,
    columns: view.columns,
    definition: view.definition ?? null,
    epoch: view.epoch,
    timestamp: view.frontier,
    state: view.state,
    rows,
    viewers,
  };
}

function hydrating(name: string): Reply {
  const message = `the view ${name} is being read for the first time; ask again in a second`;
  return errorReply(503, 'unavailable', message, {}, { 'Retry-After': '1' });
}

function show(channel: ShownChannel, request: Request): Reply {
  const { view, changedAt } = channel;
  // Weak: the body also says up to when it holds, and that moves on while nothing changes.
  const tag = `W/"${view.epoch}.${changedAt}"`;
  const headers = {
    'Content-Type': 'application/json; charset=utf-8',
    'Cache-Control': 'no-cache',
    ETag: tag,
  };
  if (matchesTag(request.headers.get('if-none-match'), tag)) {
    return { status: 304, headers, body: '' };
  }
  const { name, epoch, frontier, columns } = view;
  const head = JSON.stringify({ view: name, epoch, timestamp: frontier, columns });
  return { status: 200, headers, body: `${head.slice(0, -1)},"rows":[${channel.rowsText()}]}\n` };
}

/** Whether If-None-Match names the tag, by the weak comparison of RFC 9110 §8.8.3.2. */
export function matchesTag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const plain = (text: string) => text.trim().replace(/^W\//, '');
  return ifNoneMatch.split(',').some((one) => one.trim() === '*' || plain(one) === plain(tag));
}
