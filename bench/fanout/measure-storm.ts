import type { Counts, Wanted } from './messages.ts';
import { LoadProcess, ServerProcess } from './processes.ts';
import { figure, type Print, verdict } from './report.ts';
import { connectViewers, Published, runBurst } from './round.ts';

/** Viewers come back to so many different positions, all within the history. */
const POSITIONS = 50;
const TARGET_MS = 5_000;

/** All viewers lose their connections and come back at once with what they hold. */
export async function measureStorm(print: Print, viewers: number): Promise<void> {
  print(`\nReconnect storm: ${viewers} viewers, holding ${POSITIONS} different timestamps`);
  const server = await ServerProcess.start(['viewcast with its upstream']);
  const load = await LoadProcess.start();
  try {
    const to = { server, load, candidate: 0, group: 'before', viewers };
    await connectViewers(to);
    const published = new Published();
    for (let burst = 0; burst < 10; burst++) await runBurst(to, published, 16);
    const facts = await server.ask({ do: 'facts', candidate: 0 });
    await load.ask({ do: 'cut', group: 'before' });
    const usage = await server.ask({ do: 'usage', collect: false });
    const wanted = positions(facts.epoch, published.batches);
    const how = { access: server.access(0), wanted, checkEvery: 50, gaps: true, viewers };
    const counts = await load.ask({ do: 'connect', group: 'after', ...how });
    const used = await server.ask({ do: 'usage', collect: false });
    const after = await server.ask({ do: 'facts', candidate: 0 });
    tellResumed(print, counts, published.batches, used.cpuUs - usage.cpuUs);
    const statements = after.statements - facts.statements;
    print(`  upstream statements meanwhile: ${statements}, ${verdict(statements === 0, 'none')}`);
    const cursors = verdict(after.cursors === after.views, `as many as views, ${after.views}`);
    print(`  upstream cursors with ${viewers} viewers: ${after.cursors}, ${cursors}`);
  } finally {
    await Promise.all([load.stop(), server.stop()]);
  }
}

function tellResumed(print: Print, counts: Counts, batches: number, cpuUs: number): void {
  const { joinedMs, checked, held, fault, lost, ending } = counts;
  print(
    `  all resumed after ${figure(joinedMs / 1_000)} s, ` +
      `${figure(cpuUs / 1_000_000)} s of the server's CPU, ` +
      verdict(joinedMs <= TARGET_MS, `within ${TARGET_MS / 1_000} s`),
  );
  if (lost > 0) print(`  ${lost} were lost on the way and came again (${ending})`);
  const whole = fault === null && held === batches;
  print(
    `  ${checked} messages checked, all hold batch ${held} of ${batches}, ` +
      verdict(whole, 'the view as it stands'),
  );
  if (fault !== null) print(`  ${fault}`);
}

/** Positions spread evenly over what was published, the newest left out: all lack something. */
function positions(epoch: string, published: number): readonly Wanted[] {
  return Array.from({ length: Math.min(POSITIONS, published) }, (_, at) => ({
    from: { epoch, batch: Math.floor((at * published) / POSITIONS) },
  }));
}
