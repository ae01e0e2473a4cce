import { type Find, findIn, type Given, WIKIMEDIA_RATE } from './command-line.ts';
import { type Environment, isAmount, isOn, type Named } from './named-value.ts';

/** What feeds the views; each kind has a store of its own below the data folder. */
export type InputChoice =
  | {
      readonly kind: 'live';
      /** A page or mail address for Wikimedia's operators, sent in the User-Agent. */
      readonly contact: string | null;
      /** Where to write what is delivered, replayable; null for nowhere. */
      readonly record: string | null;
    }
  | {
      readonly kind: 'recorded';
      readonly file: string;
      /** Times the recording's own pace; `'max'` is as fast as the engine takes it. */
      readonly speed: number | 'max';
    }
  | {
      readonly kind: 'generated';
      /** Events per second. */
      readonly rate: number;
    };

const INPUTS = ['live', 'replay', 'generate'] as const;

/** The input that is asked for: live where none is. What does not go together is a problem. */
export function readInput(given: Given, environment: Environment, problems: string[]): InputChoice {
  const find = findIn(given, environment);
  const typed = INPUTS.filter((name) => given[name] !== undefined);
  const chosen = typed.length > 0 ? typed : inputsOf(environment, problems);
  if (chosen.length > 1) {
    problems.push(
      `only one input can feed the views, but there are ${chosen.length}: ${chosen.join(', ')}`,
    );
  }
  const input = chosen[0] ?? 'live';
  const [speed, record] = [find('speed'), find('record')];
  if (speed !== undefined && input !== 'replay') {
    problems.push(`${speed.name} sets the pace of a recording: it needs --replay FILE`);
  }
  if (record !== undefined && input !== 'live') {
    problems.push(`${record.name} records live changes: leave out --${input}, or do not record`);
  }
  if (input === 'live') {
    const contact = find('contact')?.value ?? null;
    return { kind: 'live', contact, record: record?.value ?? null };
  }
  if (input === 'generate') return { kind: 'generated', rate: readRate(find, problems) };
  const file = find('replay')?.value ?? '';
  if (file === '') problems.push('--replay needs the name of a recording');
  return { kind: 'recorded', file, speed: readSpeed(speed, problems) };
}

function inputsOf(environment: Environment, problems: string[]): (typeof INPUTS)[number][] {
  const live = isOn(environment.VIEWCAST_LIVE, 'VIEWCAST_LIVE', problems);
  const find = findIn({}, environment);
  return INPUTS.filter((name) => (name === 'live' ? live : find(name) !== undefined));
}

function readRate(find: Find, problems: string[]): number {
  const named = find('generate');
  const rate = Number(named?.value);
  if (named !== undefined && isAmount(named.value) && rate > 0 && rate <= 100_000) return rate;
  problems.push(
    `${named?.name} is "${named?.value}": expected events per second, above 0 and up to 100000`,
  );
  return WIKIMEDIA_RATE;
}

function readSpeed(named: Named | undefined, problems: string[]): number | 'max' {
  if (named === undefined) return 1;
  if (named.value === 'max') return 'max';
  const speed = Number(named.value);
  if (isAmount(named.value) && speed > 0 && Number.isFinite(speed)) return speed;
  problems.push(`${named.name} is "${named.value}": expected 1, 10, another factor, or max`);
  return 1;
}
