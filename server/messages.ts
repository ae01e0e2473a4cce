import { MessageRate } from './message-rate.ts';
import type { MessageOptions } from './serve-options.ts';
import type { SubmitListener } from './submit/pending.ts';
import { Submitter, type SubmitterParts } from './submit/submitter.ts';

/** One message as somebody submits it. */
interface Submitted {
  readonly topic: string;
  readonly id: string;
  readonly value: Parameters<Submitter['submit']>[2];
}

/** Messages in, for all interfaces of a server. */
export interface Messages {
  /** Takes a message in, from an address; the returned function ends the listening. */
  submit(message: Submitted, address: string, listener: SubmitListener): () => void;
  /** As `submit`, for a message on its way or archived; null when nothing is known of it here. */
  watch(topic: string, id: string, listener: SubmitListener): (() => void) | null;
  /** The topics that take messages. */
  topics(): readonly string[];
  close(): Promise<void>;
}

const RATE_RETRY_MS = 1_000;

export function openMessages(
  options: MessageOptions | undefined,
  parts: Pick<SubmitterParts, 'views' | 'nowMs' | 'observer'>,
): Messages {
  if (options === undefined) return noMessages;
  const { topics, sink, perSecond } = options;
  const submitter = new Submitter({ ...parts, topics, sink });
  const rate = new MessageRate(perSecond, parts.nowMs);
  return {
    submit: ({ topic, id, value }, address, listener) => {
      if (rate.take(address)) return submitter.submit(topic, id, value, listener);
      const message = `more than ${perSecond} messages a second came from your address`;
      listener.refused({ code: 'overloaded', message, retryMs: RATE_RETRY_MS });
      return () => {};
    },
    watch: (topic, id, listener) => submitter.watch(topic, id, listener),
    topics: () => submitter.topics,
    close: () => submitter.close(),
  };
}

const noMessages: Messages = {
  submit: (_message, _address, { refused }) => {
    refused({ code: 'unknown_topic', message: 'this server takes no messages' });
    return () => {};
  },
  watch: () => null,
  topics: () => [],
  close: async () => {},
};
