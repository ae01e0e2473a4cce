import { parseStreamMessage, type StreamMessage } from './stream-message.ts';

/** How a stream is framed: server-sent events, or one JSON object a line. */
export type StreamFormat = 'event' | 'line';

/** What a stream says. */
export interface StreamEvents {
  /** @param token of the position after it; null where the framing has none */
  message(message: StreamMessage, token: string | null): void;
  /** Nothing has changed up to here. */
  quiet(token: string): void;
  /** Whether the upstream is silent; lines do not tell it. */
  status(stale: boolean): void;
}

/** What reads a stream's text, however it is cut. @throws {TypeError} for a message that is none. */
export type StreamParser = (text: string) => void;

/** Makes a parser (PROTOCOL.md, "Streams"; WHATWG HTML, "Server-sent events"). */
export function streamParser(format: StreamFormat, events: StreamEvents): StreamParser {
  const take = format === 'event' ? eventLines(events) : messageLines(events);
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line.replace(/\r$/, ''));
  };
}

/** Blanks between messages are there to be skipped. */
function messageLines({ message }: StreamEvents): (line: string) => void {
  return (line) => {
    if (line.trim() !== '') message(parseStreamMessage(line), null);
  };
}

function eventLines(events: StreamEvents): (line: string) => void {
  let data: string[] = [];
  let id = '';
  let told = '';
  let name = '';
  return (line) => {
    if (line !== '') {
      const [, field, value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      if (field === 'data') data.push(value);
      else if (field === 'id') id = value;
      else if (field === 'event') name = value;
      return;
    }
    if (name === 'status') events.status(data.join().includes('stale'));
    else if (data.length > 0)
      events.message(parseStreamMessage(data.join('\n')), id === '' ? null : id);
    else if (id !== told) events.quiet(id);
    told = id;
    name = '';
    data = [];
  };
}
