/** How much of what came is shown. */
const SHOWN = 300;

/** A rule of PROTOCOL.md was broken: which, what it asks for and what came. */
export class Rule extends Error {
  override readonly name = 'Rule';
  /** An invariant's number, a message's type or a section of PROTOCOL.md. */
  readonly rule: string;

  constructor(rule: string, expected: string, got: unknown) {
    const text = typeof got === 'string' ? got : (JSON.stringify(got) ?? 'nothing');
    super(`expected ${expected}, got ${text.slice(0, SHOWN)}`);
    this.rule = rule;
  }

  /** @throws {Rule} unless `holds`. */
  static expect(rule: string, expected: string, holds: boolean, got: unknown): void {
    if (!holds) throw new Rule(rule, expected, got);
  }
}

/** What a check looks for did not come to pass, and is nobody's fault: the check says nothing. */
export class NotSeen extends Error {
  override readonly name = 'NotSeen';
}
