/**
 * A process that serves the candidates named by its arguments, one port each, and obeys its
 * parent. Nothing else runs in it, so that its CPU is theirs.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { CANDIDATES, isCandidate } from './candidates/all.ts';
import type { Candidate } from './candidates/candidate.ts';
import { countEncodings } from './encodings.ts';
import type { Answer, ServerAnswers, ServerCommand, ServerReady, Usage } from './messages.ts';

async function start(name: string): Promise<Candidate> {
  if (!isCandidate(name)) {
    throw new Error(
      `no candidate is named ${name}; there are ${Object.keys(CANDIDATES).join(', ')}`,
    );
  }
  return await CANDIDATES[name]();
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return { cpuUs: user + system, rssBytes: rss, heapBytes: heapUsed };
}

/** Twice, with time between: sockets that were closed are freed by the event loop. */
async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await turn();
    globalThis.gc?.();
  }
}

async function burst(candidate: Candidate, ticks: number, batches: number): Promise<Usage> {
  const before = usage();
  for (let tick = 0; tick < ticks; tick++) {
    candidate.publish(batches);
    await turn();
  }
  await turn();
  return before;
}

async function obey(
  candidates: readonly Candidate[],
  command: ServerCommand,
): Promise<ServerAnswers[ServerCommand['do']]> {
  if (command.do === 'usage') {
    if (command.collect) await collectGarbage();
    return usage();
  }
  const candidate = candidates[command.candidate];
  if (candidate === undefined) throw new Error(`there is no candidate ${command.candidate}`);
  switch (command.do) {
    case 'burst':
      return await burst(candidate, command.ticks, command.batches);
    case 'encodings':
      return await countEncodings(async () => {
        candidate.publish(16);
        // What a turn brings may be encoded at its end.
        await turn();
      });
    case 'facts': {
      if (candidate.facts === undefined) throw new Error('this candidate has no facts to tell');
      return candidate.facts();
    }
  }
}

const candidates = await Promise.all(process.argv.slice(2).map(start));
process.on('disconnect', () => process.exit(0));
process.on('message', (command: ServerCommand) => {
  obey(candidates, command).then(
    (ok) => process.send?.({ ok } satisfies Answer<unknown>),
    (error: unknown) => process.send?.({ error: String(error) } satisfies Answer<unknown>),
  );
});
process.send?.({
  ok: { accesses: candidates.map(({ access }) => access) },
} satisfies Answer<ServerReady>);
