/** Kafka's code for an error, such as UNKNOWN_TOPIC_OR_PARTITION; empty for other errors. */
export function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Object && depth < 5; depth += 1) {
    const type: unknown = Reflect.get(at, 'type');
    if (typeof type === 'string') return type;
    at = Reflect.get(at, 'cause') ?? Reflect.get(at, 'originalError');
  }
  return '';
}

/** Whether the brokers do not take the login, which trying again does not cure. */
export function isRefusedLogin(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; depth += 1) {
    if (at.name === 'KafkaJSSASLAuthenticationError') return true;
    at = at.cause;
  }
  return false;
}

/**
 * Whether a transactional producer was put out of office: by a newer one under its name, or by the
 * coordinator because its transaction took too long. The two look alike.
 */
export function isFenced(error: unknown): boolean {
  return [
    'PRODUCER_FENCED',
    'INVALID_PRODUCER_EPOCH',
    'INVALID_PRODUCER_ID_MAPPING',
    'UNKNOWN_PRODUCER_ID',
  ].includes(codeOf(error));
}
