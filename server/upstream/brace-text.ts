import type { Json } from '../../protocol/update.ts';

/** Converts one element's text; NULLs never reach it. */
export type Convert = (text: string) => Json;

/** Where a reader stands in a text; its functions move `at`. */
interface Reader {
  readonly text: string;
  at: number;
}

/**
 * An array or list as PostgreSQL and Materialize print it: `{a,"b,c",NULL,{…}}` (PostgreSQL
 * manual, "Array Input and Output Syntax").
 *
 * @throws {SyntaxError} when the text is not of that form.
 */
export function parseList(text: string, convert: Convert): readonly Json[] {
  const reader = { text, at: 0 };
  const list = readList(reader, convert);
  expectEnd(reader);
  return list;
}

/**
 * A Materialize map, `{k=>v,"k 2"=>NULL}`, as a JSON object; values may be maps again.
 *
 * @throws {SyntaxError} when the text is not of that form.
 */
export function parseMap(text: string): Json {
  const reader = { text, at: 0 };
  const map = readMap(reader);
  expectEnd(reader);
  return map;
}

function readList(reader: Reader, convert: Convert): readonly Json[] {
  const list: Json[] = [];
  readMembers(reader, () => {
    if (reader.text[reader.at] === '{') list.push(readList(reader, convert));
    else list.push(readElement(reader, convert));
  });
  return list;
}

function readMap(reader: Reader): Json {
  const entries: [string, Json][] = [];
  readMembers(reader, () => {
    const { token } = readToken(reader);
    expect(reader, '=>');
    const value = reader.text[reader.at] === '{' ? readMap(reader) : readElement(reader, String);
    entries.push([token, value]);
  });
  return Object.fromEntries(entries);
}

function readMembers(reader: Reader, readMember: () => void): void {
  expect(reader, '{');
  if (reader.text[reader.at] === '}') {
    reader.at++;
    return;
  }
  for (;;) {
    readMember();
    if (reader.text[reader.at] !== ',') break;
    reader.at++;
  }
  expect(reader, '}');
}

function readElement(reader: Reader, convert: Convert): Json {
  const { token, quoted } = readToken(reader);
  return !quoted && token === 'NULL' ? null : convert(token);
}

function readToken(reader: Reader): { readonly token: string; readonly quoted: boolean } {
  const { text } = reader;
  const quoted = text[reader.at] === '"';
  let token = '';
  if (quoted) reader.at++;
  for (; reader.at < text.length; reader.at++) {
    const char = text[reader.at];
    if (quoted ? char === '"' : endsBareToken(text, reader.at)) break;
    if (char === '\\') reader.at++;
    token += text[reader.at] ?? '';
  }
  if (quoted) expect(reader, '"');
  return { token, quoted };
}

function endsBareToken(text: string, at: number): boolean {
  const char = text[at];
  return char === ',' || char === '}' || char === '{' || (char === '=' && text[at + 1] === '>');
}

function expect(reader: Reader, token: string): void {
  if (!reader.text.startsWith(token, reader.at)) {
    throw new SyntaxError(`expected ${token} at ${reader.at} of ${reader.text}`);
  }
  reader.at += token.length;
}

function expectEnd(reader: Reader): void {
  if (reader.at !== reader.text.length) {
    throw new SyntaxError(`expected the end at ${reader.at} of ${reader.text}`);
  }
}
