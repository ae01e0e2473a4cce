import { startBare, startBareAcknowledged, startBareMerged } from './bare.ts';
import type { Candidate } from './candidate.ts';
import { startEvents } from './events.ts';
import { startFilters, USERS } from './filters.ts';
import { startFollowed } from './followed.ts';
import type { CandidateName } from './names.ts';
import { startSocketIo, startSocketIoOnUws } from './socket-io.ts';
import { startSessions, startStreams } from './viewcast.ts';
import { startJoinedWs, startWs } from './ws.ts';

/** Every candidate by the name that the bench prints. */
export const CANDIDATES = {
  'uWebSockets publish': startBare,
  'uWebSockets publish, merged': startBareMerged,
  'uWebSockets publish, merged, acknowledged': startBareAcknowledged,
  viewcast: startSessions,
  'viewcast stream': startStreams,
  'ws, joined frames': startJoinedWs,
  ws: startWs,
  'Socket.IO on uWebSockets': startSocketIoOnUws,
  'Socket.IO': startSocketIo,
  'SSE by res.write': startEvents,
  'viewcast with its upstream': startFollowed,
  'viewcast, 10 filters': () => startFilters(10),
  'viewcast, 10,000 filters': () => startFilters(USERS),
} as const satisfies Readonly<Record<CandidateName, () => Candidate | Promise<Candidate>>>;

/** Whether a candidate has this name. */
export function isCandidate(name: string): name is CandidateName {
  return Object.hasOwn(CANDIDATES, name);
}
