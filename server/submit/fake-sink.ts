import type { Message, Sink, SinkState, Written } from './sink.ts';
import type { Topic } from './topic.ts';

/** A message that waits for the sink's answer. */
export interface Write {
  readonly topic: Topic;
  readonly message: Message;
  answer(written: Written): void;
  fail(error: Error): void;
}

/** A sink for tests, answered by hand. */
export class FakeSink implements Sink {
  state: SinkState = { kind: 'open' };
  readonly writes: Write[] = [];
  closed = false;

  write(topic: Topic, message: Message): Promise<Written> {
    return new Promise((answer, fail) => {
      this.writes.push({ topic, message, answer, fail });
    });
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
