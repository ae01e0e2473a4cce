import type { Announcer } from '../announcer.ts';
import { type ConnectionState, stateText } from '../connection-status.ts';
import { element, setText } from '../elements.ts';
import { badgeText, type Source } from '../source.ts';

/** What feeds the page, and whether it is up to date. */
export class StatusPanel {
  readonly #root: HTMLElement;
  readonly #announcer: Announcer;

  constructor(root: HTMLElement, announcer: Announcer) {
    this.#root = root;
    this.#announcer = announcer;
  }

  showSource(source: Source | null): void {
    const badge = element('source', HTMLElement);
    badge.hidden = source === null;
    if (source === null) return;
    badge.dataset.kind = source.kind;
    badge.dataset.state = source.state;
    setText(badge, badgeText(source));
  }

  showState(state: ConnectionState, lagMs: number | null): void {
    setText(element('status', HTMLElement), stateText(state, lagMs));
    const before = this.#root.dataset.connection;
    if (state === before) return;
    this.#root.dataset.connection = state;
    if (before !== 'connecting') this.#announcer.announce(stateText(state, null));
  }
}
