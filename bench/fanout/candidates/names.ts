/** What the bench calls its candidates. */
export type CandidateName =
  | 'uWebSockets publish'
  | 'uWebSockets publish, merged'
  | 'uWebSockets publish, merged, acknowledged'
  | 'viewcast'
  | 'viewcast stream'
  | 'viewcast with its upstream'
  | 'viewcast, 10 filters'
  | 'viewcast, 10,000 filters'
  | 'ws, joined frames'
  | 'ws'
  | 'Socket.IO on uWebSockets'
  | 'Socket.IO'
  | 'SSE by res.write';

/** Those of the comparison, in the order in which they are printed. */
export const COMPARED: readonly CandidateName[] = [
  'uWebSockets publish',
  'viewcast',
  'viewcast stream',
  'ws, joined frames',
  'ws',
  'Socket.IO on uWebSockets',
  'Socket.IO',
  'SSE by res.write',
];
