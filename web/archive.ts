import type { Client } from '../client/client.ts';
import { submit } from '../client/submit.ts';
import { messageList } from './charts/message-list.ts';
import { element, letScroll, setText, showNote, showTime } from './elements.ts';
import { Follow, type FollowEnvironment } from './follow.ts';
import { newestMessages } from './messages.ts';

const VIEW = 'archive_newest';
const TOPIC = 'example';

/** The archive of messages with the form that sends one. The returned follow is for inspection. */
export function showArchive(client: Client, environment: FollowEnvironment): Follow {
  const list = element('archive', HTMLOListElement);
  const section = list.closest('section');
  letScroll(element('archive-stage', HTMLElement), 'archive-title');
  bindForm(client);
  let scheduled = false;
  const follow: Follow = new Follow(client, [{ view: VIEW }], environment, () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      draw();
    });
  });
  const draw = () => {
    // A server without an archive has no place for messages.
    const isMissing = follow.state === 'refused' && follow.time(VIEW) === undefined;
    if (section !== null) section.hidden = isMissing;
    const drawing = follow.take(VIEW);
    if (drawing === null) return;
    const messages = newestMessages(drawing.rows, drawing.columns);
    messageList(messages, list);
    showNote(
      element('archive-note', HTMLElement),
      messages.length === 0 ? 'Nobody has said anything yet.' : '',
    );
    showTime(element('archive-as-of', HTMLTimeElement), drawing.frontier);
  };
  return follow;
}

/** Sends what is written; it stays in the form until it is safe. */
function bindForm(client: Client): void {
  const form = element('message', HTMLFormElement);
  const input = element('message-text', HTMLInputElement);
  const state = element('message-state', HTMLElement);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const value = input.value.trim();
    if (value === '') return;
    const tell = (step: string) => {
      state.dataset.step = step;
      setText(state, `${step}: ${value}`);
    };
    tell('Sent');
    try {
      const submission = submit(client, TOPIC, { value });
      await submission.accepted;
      tell('Accepted');
      if (input.value.trim() === value) input.value = '';
      await submission.archived;
      tell('Archived');
    } catch (error) {
      state.dataset.step = 'Refused';
      setText(state, `Not sent: ${error instanceof Error ? error.message : ''}`);
    }
  });
}
