import { RateGate } from './admission-rate.ts';
import { SlotGate, type SlotParts } from './admission-slots.ts';
import type { Clock } from './clock.ts';

/** How much is let in. Who finds a gate busy waits its turn, a while and in bounded numbers. */
export interface AdmissionLimits {
  /** New snapshots on their way to viewers. */
  readonly snapshots: number;
  /** Returning viewers being caught up. */
  readonly resumes: number;
  /** New stream connections a second. */
  readonly handshakesPerSecond: number;
  /** How many may wait at each gate. */
  readonly waiting: number;
  /** How long, in ms. */
  readonly patienceMs: number;
  /** How long a snapshot or resume counts at most, in ms, however slow its viewer reads. */
  readonly holdMs: number;
}

export const defaultAdmissionLimits: AdmissionLimits = {
  snapshots: 200,
  resumes: 5_000,
  handshakesPerSecond: 2_000,
  waiting: 10_000,
  patienceMs: 8_000,
  holdMs: 10_000,
};

export type GateName = 'snapshots' | 'resumes' | 'handshakes';

/**
 * The three gates. They are apart, so that new viewers' snapshots never keep returning viewers
 * waiting, whose batches cost little.
 */
export interface Admission {
  readonly snapshots: SlotGate;
  readonly resumes: SlotGate;
  readonly handshakes: RateGate;
}

export interface AdmissionParts {
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly limits: AdmissionLimits;
  /** Told of every refusal. */
  readonly refused: (gate: GateName) => void;
}

export function makeAdmission({ clock, random, limits, refused }: AdmissionParts): Admission {
  const { waiting, patienceMs, holdMs } = limits;
  const line = (gate: GateName): SlotParts => ({
    clock,
    random,
    waiting,
    patienceMs,
    holdMs,
    refused: () => refused(gate),
  });
  return {
    snapshots: new SlotGate(limits.snapshots, line('snapshots')),
    resumes: new SlotGate(limits.resumes, line('resumes')),
    handshakes: new RateGate(limits.handshakesPerSecond, line('handshakes')),
  };
}
