/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A value together with the name that it was given under: an option, or a variable. */
export interface Named {
  readonly value: string;
  readonly name: string;
}

/** A port, 0 included; what is none is told to the problems, and `otherwise` stands in. */
export function readPort(named: Named | undefined, otherwise: number, problems: string[]): number {
  if (named === undefined) return otherwise;
  const port = Number(named.value);
  if (/^\d+$/.test(named.value) && port <= 65_535) return port;
  problems.push(`${named.name} is "${named.value}": expected a port from 0 to 65535`);
  return otherwise;
}

/** A whole number from `least` to `most`; what is none is told to the problems. */
export function readWhole(
  named: Named | undefined,
  bounds: { readonly least: number; readonly most: number; readonly otherwise: number },
  problems: string[],
): number {
  if (named === undefined) return bounds.otherwise;
  const number = Number(named.value);
  const fits = /^\d+$/.test(named.value) && number >= bounds.least && number <= bounds.most;
  if (fits) return number;
  problems.push(
    `${named.name} is "${named.value}": expected a whole number from ${bounds.least} to ${bounds.most}`,
  );
  return bounds.otherwise;
}

/** A switch in the environment, off where nothing is said; what is no switch is a problem. */
export function isOn(value: string | undefined, name: string, problems: string[]): boolean {
  if (value === undefined || ['', '0', 'false'].includes(value)) return false;
  if (['1', 'true'].includes(value)) return true;
  problems.push(`${name} is "${value}": expected 1 or 0`);
  return false;
}

/** Whether a text is a number without a sign. */
export function isAmount(text: string): boolean {
  return /^[\d.]+$/.test(text);
}
