/** @throws {TypeError} naming what was expected and what came, unless it `holds` */
export function expectThat(holds: boolean, what: string, got: unknown): void {
  if (!holds) throw new TypeError(`expected ${what}, got ${JSON.stringify(got)}`);
}
