/** A process that holds viewers, in a process of its own so that the server's CPU is the server's. */
import type { Answer, Counts, LoadCommand } from './messages.ts';
import { ViewerGroup } from './viewer-group.ts';

const groups = new Map<string, ViewerGroup>();

function find(name: string): ViewerGroup {
  const group = groups.get(name);
  if (group === undefined) throw new Error(`no viewers are named ${name}`);
  return group;
}

async function obey(command: LoadCommand): Promise<Counts> {
  if (command.do === 'connect') {
    const made = new ViewerGroup(command.access);
    groups.set(command.group, made);
    await made.connect(command);
    return made.counts();
  }
  const group = find(command.group);
  if (command.do === 'await') await group.receive(command.messages);
  else if (command.do === 'pause') group.pause();
  else if (command.do === 'unpause') group.unpause();
  else if (command.do === 'cut') {
    group.cut();
    groups.delete(command.group);
  }
  return group.counts();
}

process.on('disconnect', () => process.exit(0));
process.on('message', (command: LoadCommand) => {
  obey(command).then(
    (ok) => process.send?.({ ok } satisfies Answer<Counts>),
    (error: unknown) => process.send?.({ error: String(error) } satisfies Answer<Counts>),
  );
});
process.send?.({ ok: null } satisfies Answer<null>);
