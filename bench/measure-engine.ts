import { benchEngine, ENGINE_TARGETS } from './engine.ts';
import { figure, type Print, printTable, verdict } from './fanout/report.ts';

/** Events per second through the engine alone, with all views subscribed and without any. */
export async function measureEngine(print: Print): Promise<void> {
  print('\nEngine: events/s over the wire into a durable folder, acknowledged after their flush');
  const results = await benchEngine();
  printTable(
    print,
    ['batch', 'sessions', 'events', 'views', 'events/s', 'engine CPU'],
    results.map(({ batch, sessions, events, views, eventsPerSecond, engineCpu }) => [
      String(batch),
      String(sessions),
      String(events),
      views ? '4, subscribed' : 'none',
      figure(eventsPerSecond, 0),
      figure(engineCpu),
    ]),
  );
  for (const [batch, target] of ENGINE_TARGETS) {
    const measured = results.filter((result) => result.batch === batch && result.views);
    const best = Math.max(...measured.map(({ eventsPerSecond }) => eventsPerSecond));
    print(`  ${verdict(best >= target, `≥ ${target} events/s at batches of ${batch}, all views`)}`);
  }
  print('  Engine CPU is in cores; at 1.00 the engine, one thread, is what bounds it.');
}
