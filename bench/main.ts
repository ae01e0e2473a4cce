import process from 'node:process';
import { benchFanout } from './fanout/fanout.ts';
import type { Print } from './fanout/report.ts';
import { describeMachine } from './machine.ts';
import { measureEngine } from './measure-engine.ts';
import { measureKafka } from './measure-kafka.ts';
import { measureKafkaPath } from './measure-kafka-path.ts';
import { measureLatency } from './measure-latency.ts';
import { benchPage } from './measure-page.ts';
import { measureReplay } from './measure-replay.ts';
import { measureStart } from './measure-start.ts';
import { measureSubmit } from './measure-submit.ts';

const HELP = `Measurements, printed with the machine and the versions.

  npm run bench                      all but page and fan-out, about three minutes
  npm run bench -- NAME…             engine, kafka, latency, replay (with memory), start,
                                     submit (messages in)
  npm run bench -- page              long tasks and heap of the page, eleven minutes;
                                     [--quick] [--seconds 60] [--minutes 10]
  npm run bench -- fanout [SECTION…] how cheaply batches reach many viewers, beside its peers;
                                     [--quick] [--viewers 100,1000] [--rounds 3] [--pairs 40]

Recordings are read from VIEWCAST_DATA (../shared/data).
`;

const MEASURES: Readonly<Record<string, (print: Print) => Promise<void>>> = {
  engine: measureEngine,
  kafka: async (print) => {
    await measureKafka(print);
    await measureKafkaPath(print);
  },
  latency: measureLatency,
  replay: measureReplay,
  start: measureStart,
  submit: measureSubmit,
};

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(HELP);
    return 0;
  }
  const [first] = args;
  const names = args.length === 0 ? Object.keys(MEASURES) : args;
  const unknown = names.filter((name) => !(name in MEASURES));
  if (first !== 'fanout' && first !== 'page' && unknown.length > 0) {
    process.stderr.write(
      `no measurement ${unknown.join(', ')}: there are ${Object.keys(MEASURES).join(', ')}, page and fanout\n`,
    );
    return 2;
  }
  const print: Print = (line) => void process.stdout.write(`${line}\n`);
  for (const line of describeMachine()) print(line);
  if (first === 'fanout') await benchFanout(args.slice(1), print);
  else if (first === 'page') await benchPage(args.slice(1), print);
  else for (const name of names) await MEASURES[name]?.(print);
  return 0;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
