/**
 * How often something random is tried, or how large it is: `few` where every change is checked,
 * more where there is time. `npm run test:full` sets RUNS=10.
 */
export function runs(few: number): number {
  return Math.ceil(few * Number(process.env.RUNS ?? 1));
}
