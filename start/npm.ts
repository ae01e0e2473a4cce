import process from 'node:process';

const LOOK_MS = 250;

/**
 * Calls `gone` once when npm, through whose shell this process runs, has been stopped. npm hands a
 * signal on to that shell alone, and many shells end by it without a word to what they run.
 */
export function whenNpmStops(gone: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const shell = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(timer);
    gone();
  }, LOOK_MS);
  timer.unref();
}
