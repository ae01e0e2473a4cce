/** The page of `/docs/`: the interfaces out of their own documents, each to be tried. */

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly example?: string;
}
interface Operation {
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly example?: unknown }>>;
  };
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}
interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}
interface AsyncApi {
  readonly channels: Readonly<
    Record<string, { readonly address: string; readonly description: string }>
  >;
  readonly components: {
    readonly messages: Readonly<
      Record<string, { readonly name: string; readonly summary: string }>
    >;
  };
}

/** A stream has no end: it is looked at for so long. */
const LOOK_MS = 3_000;
const SHOWN_CHARACTERS = 4_000;

function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  text = '',
  className = '',
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

async function read<Document>(path: string): Promise<Document> {
  const response = await fetch(path);
  return response.json();
}

function showOperation(path: string, method: string, operation: Operation): HTMLElement {
  const section = make('details', '', 'operation');
  const summary = make('summary');
  summary.append(make('span', `${method.toUpperCase()} `, 'method'), make('code', path));
  summary.append(make('span', ` ${operation.summary}`, 'soft'));
  section.append(summary);
  const form = make('form');
  const fields = new Map<Parameter, HTMLInputElement>();
  for (const parameter of operation.parameters ?? []) {
    const label = make('label', `${parameter.name} `);
    const input = make('input');
    input.required = parameter.required === true;
    input.title = parameter.description ?? '';
    input.value = parameter.example ?? '';
    label.append(input);
    form.append(label);
    fields.set(parameter, input);
  }
  const [[type, content] = ['', {}]] = Object.entries(operation.requestBody?.content ?? {});
  const body = make('textarea');
  if (type !== '') {
    body.rows = 4;
    body.setAttribute('aria-label', `Body, ${type}`);
    const { example } = content;
    body.value = typeof example === 'string' ? example : JSON.stringify(example ?? {}, null, 2);
    form.append(body);
  }
  form.append(make('button', 'Try it'));
  const output = make('pre');
  output.hidden = true;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    output.hidden = false;
    const request = requestOf(path, method, fields, type === '' ? null : [type, body.value]);
    void tryOut(request, output);
  });
  const responses = make('ul');
  for (const [status, { description }] of Object.entries(operation.responses)) {
    responses.append(make('li', `${status}: ${description}`));
  }
  section.append(form, output, responses);
  return section;
}

interface Asked {
  readonly url: string;
  readonly init: RequestInit;
}

function requestOf(
  path: string,
  method: string,
  fields: ReadonlyMap<Parameter, HTMLInputElement>,
  body: readonly [string, string] | null,
): Asked {
  const headers: Record<string, string> = {};
  const query = new URLSearchParams();
  let filled = path;
  for (const [{ name, in: place }, { value }] of fields) {
    if (place === 'path') filled = filled.replace(`{${name}}`, encodeURIComponent(value));
    else if (value !== '' && place === 'query') query.set(name, value);
    else if (value !== '' && place === 'header') headers[name] = value;
  }
  const token = document.getElementById('token');
  if (token instanceof HTMLInputElement && token.value !== '') {
    headers.Authorization = `Bearer ${token.value}`;
  }
  if (body !== null) headers['Content-Type'] = body[0];
  const asked = query.size === 0 ? filled : `${filled}?${query}`;
  const init: RequestInit = { method: method.toUpperCase(), headers };
  return { url: `..${asked}`, init: body === null ? init : { ...init, body: body[1] } };
}

async function tryOut({ url, init }: Asked, output: HTMLElement): Promise<void> {
  output.textContent = '…';
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), LOOK_MS);
  let text = '';
  try {
    const response = await fetch(url, { ...init, signal: stop.signal });
    text = `${response.status} ${response.statusText}\n`;
    const location = response.headers.get('location');
    if (location !== null) text += `Location: ${location}\n`;
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      output.textContent = text;
      const part = await reader?.read();
      if (part === undefined || part.done || text.length > SHOWN_CHARACTERS) break;
      text += part.value;
    }
  } catch (error) {
    text += stop.signal.aborted ? `\n(looked at for ${LOOK_MS / 1_000} s)` : `\n${String(error)}`;
  } finally {
    clearTimeout(timer);
    stop.abort();
    output.textContent =
      text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
  }
}

function showSockets({ channels, components }: AsyncApi): Node[] {
  const list = make('ul');
  for (const { name, summary } of Object.values(components.messages)) {
    const entry = make('li');
    entry.append(make('code', name), ` ${summary}`);
    list.append(entry);
  }
  const addresses = Object.values(channels).map(({ address, description }) => {
    const line = make('p');
    line.append(make('code', address), ` ${description}`);
    return line;
  });
  return [...addresses, list];
}

const openapi = await read<OpenApi>('../openapi.json');
const sections = Object.entries(openapi.paths).flatMap(([path, operations]) =>
  Object.entries(operations).map(([method, operation]) => showOperation(path, method, operation)),
);
document.getElementById('http')?.replaceChildren(...sections);
document.getElementById('sockets')?.replaceChildren(...showSockets(await read('../asyncapi.json')));
