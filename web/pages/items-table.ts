/** An archived message as `ws /example/ws/` lists it. */
export interface Item {
  readonly id: number;
  readonly data_id: string | null;
  readonly data_provenance: readonly string[];
  readonly timestamp: string | null;
  readonly value: string | null;
  readonly created_date: string | null;
}

/** From sending to the archive, in ms; empty where one of the times is none. */
export function delayOf({ timestamp, created_date: created }: Item): string {
  const delay = Date.parse(created ?? '') - Date.parse(timestamp ?? '');
  return Number.isNaN(delay) ? '' : String(delay);
}

/** Shows exactly these items. Rows that stay keep their element, and what is open in it. */
export class ItemsTable {
  readonly #body: HTMLElement;
  readonly #rows = new Map<number, HTMLElement>();

  constructor(body: HTMLElement) {
    this.#body = body;
  }

  show(items: readonly Item[]): void {
    const shown = new Set(items.map(({ id }) => id));
    for (const id of this.#rows.keys()) if (!shown.has(id)) this.#rows.delete(id);
    const rows = items.map((item) => {
      const row = this.#rows.get(item.id) ?? rowOf(item);
      this.#rows.set(item.id, row);
      return row;
    });
    this.#body.replaceChildren(...rows);
  }
}

function rowOf(item: Item): HTMLElement {
  const row = document.createElement('tr');
  const texts = [item.data_id, item.timestamp, item.created_date, delayOf(item), item.value];
  for (const text of texts) {
    const cell = document.createElement('td');
    cell.dir = 'auto';
    cell.textContent = text ?? '';
    row.append(cell);
  }
  const details = document.createElement('details');
  const summary = document.createElement('summary');
  summary.textContent = `${item.data_provenance.length} hops`;
  const list = document.createElement('ol');
  for (const hop of item.data_provenance) {
    const entry = document.createElement('li');
    entry.textContent = hop;
    list.append(entry);
  }
  details.append(summary, list);
  const cell = document.createElement('td');
  cell.append(details);
  row.append(cell);
  return row;
}
