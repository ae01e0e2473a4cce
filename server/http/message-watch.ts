import { errorReply, type Reply, sendReply, writeHead } from '../reply.ts';
import { type Request, readRequest } from '../request.ts';
import type { HttpRequest, HttpResponse } from '../uws.ts';
import type { Intake } from './intake.ts';
import { askedMessage, unknownMessage } from './messages-api.ts';
import type { HttpParts } from './serve.ts';

/** A watch that saw no end is over then; an EventSource asks again by itself. */
const LONGEST_MS = 60_000;
const SIGN_MS = 15_000;

/**
 * `GET /api/messages/<id>` as server-sent events: `accepted`, then `archived` or `refused`, then the
 * end. What accepts no events is left to the other routes.
 */
export function messageWatch(
  parts: Pick<HttpParts, 'admitOrigin' | 'ask'>,
  intake: Intake,
): (response: HttpResponse, request: HttpRequest) => void {
  return (response, raw) => {
    if (!raw.getHeader('accept').includes('text/event-stream')) {
      raw.setYield(true);
      return;
    }
    const ends: (() => void)[] = [];
    let open = true;
    const over = (): void => {
      open = false;
      for (const end of ends.splice(0)) end();
    };
    response.onAborted(over);
    const request = readRequest(raw, response);
    const refuse = (reply: Reply): void => {
      if (open) response.cork(() => sendReply(response, reply, false));
      over();
    };
    const cors = parts.admitOrigin(request.headers);
    if (cors === null) {
      refuse(errorReply(403, 'origin', 'pages of this origin may not use this server'));
      return;
    }
    const begin = (asked: Awaited<ReturnType<HttpParts['ask']>>): void => {
      if (!open) return;
      if ('reply' in asked) refuse(asked.reply);
      else
        watch(response, intake, request, asked, cors, { ends, over, isOpen: () => open, refuse });
    };
    const asked = parts.ask(request);
    if (asked instanceof Promise) asked.then(begin, over);
    else begin(asked);
  };
}

interface Watching {
  readonly ends: (() => void)[];
  readonly over: () => void;
  readonly isOpen: () => boolean;
  readonly refuse: (reply: Reply) => void;
}

function watch(
  response: HttpResponse,
  intake: Intake,
  request: Request,
  visitor: Parameters<typeof askedMessage>[2],
  cors: Readonly<Record<string, string>>,
  { ends, over, isOpen, refuse }: Watching,
): void {
  const asked = askedMessage(request, intake, visitor);
  const events: string[] = [];
  let begun = false;
  const say = (name: string, data: object): void => {
    const text = `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
    if (!begun) events.push(text);
    else if (isOpen()) response.cork(() => response.write(text));
  };
  let done = false;
  const finish = (): void => {
    done = true;
    if (!begun || !isOpen()) return;
    over();
    response.cork(() => response.end());
  };
  const known = (asked?.topics ?? []).some((topic) => {
    const stop = intake.watch(topic, asked?.id ?? '', {
      accepted: () => say('accepted', { id: asked?.id, topic }),
      archived: (timestamp) => {
        say('archived', { id: asked?.id, topic, timestamp });
        finish();
      },
      refused: ({ code, message }) => {
        say('refused', { id: asked?.id, topic, error: code, message });
        finish();
      },
    });
    if (stop !== null) ends.push(stop);
    return stop !== null;
  });
  if (!known) {
    refuse(unknownMessage(asked?.id ?? ''));
    return;
  }
  response.cork(() => {
    writeHead(response, 200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
      ...cors,
    });
    response.write(`:\n\n${events.join('')}`);
  });
  begun = true;
  if (done) {
    finish();
    return;
  }
  const limit = setTimeout(finish, LONGEST_MS);
  const signs = setInterval(() => {
    if (isOpen()) response.cork(() => response.write(':\n\n'));
  }, SIGN_MS);
  ends.push(
    () => clearTimeout(limit),
    () => clearInterval(signs),
  );
}
