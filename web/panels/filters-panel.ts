import type { Row } from '../../client/rows.ts';
import { type Choice, parseChoice } from '../choice.ts';
import { element } from '../elements.ts';
import { parseKind } from '../leaders.ts';

type Filters = Pick<Choice, 'span' | 'kind' | 'wiki' | 'top'>;

/** The controls that say what is counted. */
export class FiltersPanel {
  readonly #form = element('filters', HTMLFormElement);
  readonly #wiki = element('wiki', HTMLSelectElement);

  /** @param chose called with what the reader chose */
  constructor(chose: (filters: Filters) => void) {
    this.#form.addEventListener('change', () => chose(this.#read()));
    this.#form.addEventListener('submit', (event) => event.preventDefault());
  }

  /** Sets the controls to what is chosen. */
  show({ span, kind, wiki, top }: Filters): void {
    const values = { window: span, who: kind ?? '', top: String(top) };
    for (const [name, value] of Object.entries(values)) {
      for (const input of this.#form.querySelectorAll<HTMLInputElement>(`input[name=${name}]`)) {
        input.checked = input.value === value;
      }
    }
    if (wiki !== null) this.#offer(wiki);
    this.#wiki.value = wiki ?? '';
  }

  /** Offers these wikis, from rows (wiki, count); not while the reader is choosing. */
  showWikis(rows: readonly Row[]): void {
    if (document.activeElement === this.#wiki) return;
    const chosen = this.#wiki.value;
    const names = rows
      .toSorted((a, b) => Number(b[1]) - Number(a[1]))
      .map(([wiki]) => String(wiki));
    const options = names.map((name) => new Option(name, name));
    this.#wiki.replaceChildren(new Option('All wikis', ''), ...options);
    if (chosen !== '') this.#offer(chosen);
    this.#wiki.value = chosen;
  }

  #offer(wiki: string): void {
    const known = [...this.#wiki.options].some(({ value }) => value === wiki);
    if (!known) this.#wiki.append(new Option(wiki, wiki));
  }

  #read(): Filters {
    const data = new FormData(this.#form);
    const text = (name: string) => String(data.get(name) ?? '');
    const query = new URLSearchParams({ window: text('window'), top: text('top') });
    const { span, top } = parseChoice(`?${query}`);
    return { span, top, kind: parseKind(text('who')), wiki: text('wiki') || null };
  }
}
