import type { Column, Frontier } from '../protocol/update.ts';

/** What the server tells of a view (`GET /api/views`). */
export interface ListedView {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly definition: string | null;
  readonly timestamp: Frontier | null;
  readonly rows: number;
  readonly viewers: number;
}

/** Asks the server for its views, once. @throws when it does not answer. */
export async function fetchCatalogue(): Promise<readonly ListedView[]> {
  const response = await fetch(new URL('api/views', document.baseURI));
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  const { views }: { views: readonly ListedView[] } = await response.json();
  return views;
}
