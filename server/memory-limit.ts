import { totalmem } from 'node:os';
import process from 'node:process';
import { getHeapStatistics } from 'node:v8';

const MIB = 1024 * 1024;

/** What a process or thread has in memory, in bytes. */
export interface MemoryReading {
  /** Of the whole process, its threads and native parts included. */
  readonly residentBytes: number;
  /** Of this thread's JavaScript. */
  readonly heapBytes: number;
}

/** What ends a process or thread when it is reached, in bytes. */
export interface MemoryLimits {
  /** Null when nothing but the machine limits the process. */
  readonly residentBytes: number | null;
  readonly heapBytes: number;
}

/**
 * What this process and thread may have. `memoryMb` is VIEWCAST_MEMORY_MB; without it the process
 * is limited by its cgroup, where that says less than the machine has. V8 ends the process at its
 * heap's limit, however much memory is left, so that one holds in any case. What is read of the heap
 * holds garbage, but V8 collects half-way at the latest between what lived and the limit: a share of
 * 0.8 means that 0.6 lived.
 */
export function memoryLimits(memoryMb: number | null): MemoryLimits {
  const { heap_size_limit: heapBytes } = getHeapStatistics();
  if (memoryMb !== null) return { residentBytes: memoryMb * MIB, heapBytes };
  // libuv reads memory.max of the process's own cgroup (or version 1's file); 0: not known.
  const constrained = process.constrainedMemory();
  const isLimit = constrained > 0 && constrained < totalmem();
  return { residentBytes: isLimit ? constrained : null, heapBytes };
}

/** What this process and thread have. */
export function readMemory(): MemoryReading {
  const { rss, heapUsed } = process.memoryUsage();
  return { residentBytes: rss, heapBytes: heapUsed };
}

/** The share of whichever limit is nearer. */
export function shareUsed(reading: MemoryReading, limits: MemoryLimits): number {
  const ofHeap = reading.heapBytes / limits.heapBytes;
  if (limits.residentBytes === null) return ofHeap;
  return Math.max(ofHeap, reading.residentBytes / limits.residentBytes);
}
