/** The page of `/ws-example/`: sends messages and shows the times of each leg of their way. */
import { ExampleSocket } from '../pages/example-socket.ts';
import { ItemsTable } from '../pages/items-table.ts';

const TRAFFIC_LINES = 10;
const SENT_ROWS = 20;

interface Sent {
  readonly startMs: number;
  readonly accepted: HTMLElement;
  readonly archived: HTMLElement;
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`expected an element #${id}`);
  return found;
}

const numberOf = (id: string): number => {
  const input = element(id);
  return input instanceof HTMLInputElement ? Math.max(1, Number(input.value) || 1) : 1;
};

const items = new ItemsTable(element('items'));
const sent = new Map<string, Sent>();
const lines: string[] = [];

const socket = new ExampleSocket({
  traffic: (direction, text) => {
    lines.push(`${direction === 'in' ? '←' : '→'} ${text}`);
    lines.splice(0, lines.length - TRAFFIC_LINES);
    element('traffic').textContent = lines.join('\n');
  },
  connected: (isConnected) => {
    element('state').textContent = isConnected ? 'connected' : 'connecting again';
  },
  message: (message) => {
    if (message.items !== undefined) items.show(message.items);
    if (message.id !== undefined) tell(message.id, 'accepted');
    if (message.archived !== undefined) tell(message.archived, 'archived');
    if (message.error !== undefined) element('state').textContent = message.error;
  },
});

function tell(id: string, leg: 'accepted' | 'archived'): void {
  const one = sent.get(id);
  if (one !== undefined) one[leg].textContent = (performance.now() - one.startMs).toFixed(1);
  if (leg === 'archived') sent.delete(id);
}

/** A UUID also where `crypto.randomUUID` is missing: on pages without TLS. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/(.{8})(.{4}).(.{3}).(.{3})/, '$1-$2-4$3-8$4-');
}

function send(value: string): void {
  const id = uuid();
  const row = document.createElement('tr');
  const cells = [value, new Date().toISOString(), '', ''].map((text) => {
    const cell = document.createElement('td');
    cell.dir = 'auto';
    cell.textContent = text;
    return cell;
  });
  row.append(...cells);
  element('sent').prepend(row);
  for (const old of [...element('sent').children].slice(SENT_ROWS)) old.remove();
  const [, , accepted = row, archived = row] = cells;
  sent.set(id, { startMs: performance.now(), accepted, archived });
  socket.send({ action: 'send', value, id });
}

const typed = (): string => {
  const input = element('value');
  return input instanceof HTMLInputElement ? input.value : '';
};

element('form').addEventListener('submit', (event) => {
  event.preventDefault();
  send(typed());
  const input = element('value');
  if (input instanceof HTMLInputElement) input.value = '';
});

element('many').addEventListener('click', () => {
  const value = typed();
  const [count, rate] = [numberOf('count'), numberOf('rate')];
  for (let at = 0; at < count; at++) setTimeout(() => send(value), (at * 1_000) / rate);
});

element('refresh').addEventListener('click', () => socket.send({ action: 'list' }));
