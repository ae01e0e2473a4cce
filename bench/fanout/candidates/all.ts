import { startBare } from './bare.ts';
import type { Candidate } from './candidate.ts';
import { startEvents } from './events.ts';
import { startFollowed } from './followed.ts';
import { startSocketIo, startSocketIoOnUws } from './socket-io.ts';
import { startViewcast } from './viewcast.ts';
import { startJoinedWs, startWs } from './ws.ts';

/** Every candidate by the name that the bench prints. */
export const CANDIDATES = {
  'uWebSockets publish': startBare,
  viewcast: startViewcast,
  'ws, joined frames': startJoinedWs,
  ws: startWs,
  'Socket.IO on uWebSockets': startSocketIoOnUws,
  'Socket.IO': startSocketIo,
  'SSE by res.write': startEvents,
  'viewcast with its upstream': startFollowed,
} as const satisfies Readonly<Record<string, () => Candidate | Promise<Candidate>>>;

export type CandidateName = keyof typeof CANDIDATES;

/** Those of the comparison, in the order in which they are printed. */
export const COMPARED: readonly CandidateName[] = [
  'uWebSockets publish',
  'viewcast',
  'ws, joined frames',
  'ws',
  'Socket.IO on uWebSockets',
  'Socket.IO',
  'SSE by res.write',
];

/** Whether a candidate has this name. */
export function isCandidate(name: string): name is CandidateName {
  return Object.hasOwn(CANDIDATES, name);
}
