import { compareFrontiers, type Frontier } from '../../protocol/update.ts';

/** Views that stand behind the others, and where (PROTOCOL.md, "Several views"). */
export type Held = Readonly<Record<string, Frontier>>;

/** Where the views of a group stand together. */
export interface Position {
  readonly frontier: Frontier;
  readonly held: Held;
}

/** Where one view stands at the position. */
export const frontierAt = ({ frontier, held }: Position, view: string): Frontier =>
  held[view] ?? frontier;

/** Whether every view at the position stands at the frontier or beyond it. */
export const standsAt = ({ frontier, held }: Position, wanted: Frontier): boolean =>
  [frontier, ...Object.values(held)].every((at) => compareFrontiers(at, wanted) >= 0);
