const KEY = 'viewcast.theme';
type Theme = 'light' | 'dark';

/**
 * Lets `button` switch between dark and light. The system's preference holds until the reader
 * chooses; a choice is kept in this browser, and choosing what the system prefers forgets it again.
 * The returned function takes what the page's address says, which comes before both; null where it
 * says nothing.
 */
export function bindTheme(
  button: HTMLButtonElement,
  root: HTMLElement,
  store: () => Storage,
): (addressed: Theme | null) => void {
  let addressed: Theme | null = null;
  const prefersDark = matchMedia('(prefers-color-scheme: dark)');
  const preferred = (): Theme => (prefersDark.matches ? 'dark' : 'light');
  const chosen = (): Theme | undefined => addressed ?? parseTheme(read(store));
  const show = () => {
    const choice = chosen();
    if (choice === undefined) delete root.dataset.theme;
    else root.dataset.theme = choice;
    const theme = choice ?? preferred();
    button.setAttribute('aria-pressed', String(theme === 'dark'));
  };
  button.addEventListener('click', () => {
    const next: Theme = (chosen() ?? preferred()) === 'dark' ? 'light' : 'dark';
    addressed = null;
    write(store, next === preferred() ? null : next);
    show();
  });
  prefersDark.addEventListener('change', show);
  show();
  return (theme) => {
    addressed = theme;
    show();
  };
}

function parseTheme(text: string | null): Theme | undefined {
  return text === 'light' || text === 'dark' ? text : undefined;
}

/** Storage may be forbidden, which costs the reader the memory of the choice and nothing else. */
function read(store: () => Storage): string | null {
  try {
    return store().getItem(KEY);
  } catch {
    return null;
  }
}

function write(store: () => Storage, theme: Theme | null): void {
  try {
    if (theme === null) store().removeItem(KEY);
    else store().setItem(KEY, theme);
  } catch {
    // As above.
  }
}
