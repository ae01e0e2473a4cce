/** A message broke the protocol. The message says where, what was expected and what came. */
export class MessageError extends Error {
  override readonly name = 'MessageError';
  /** The field, such as `views[0].where`; '' for the message as a whole. */
  readonly field: string;

  constructor(field: string, problem: string) {
    super(field === '' ? problem : `${field}: ${problem}`);
    this.field = field;
  }
}

/** The beginning of what came, for an error's message. */
export function excerpt(text: string | undefined): string {
  if (text === undefined) return 'nothing';
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}
