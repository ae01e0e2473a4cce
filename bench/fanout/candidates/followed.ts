import { serveViews } from '../../../server/serve-views.ts';
import { Upstream } from '../../../server/upstream/upstream.ts';
import { Views } from '../../../server/view/views.ts';
import { VIEW } from '../workload.ts';
import { BatchNumbers, type Candidate } from './candidate.ts';
import { FakeDatabase } from './fake-database.ts';
import { SERVE, SESSION } from './viewcast.ts';

const NAMES = [VIEW, 'edits_by_day', 'edits_by_hour'];

/** Viewcast whole, from its upstream stage on, in front of a database that counts what it is asked. */
export async function startFollowed(): Promise<Candidate> {
  const database = new FakeDatabase();
  const upstream = new Upstream({
    url: '',
    connect: database.connect,
    report: ({ message, error }) => {
      console.error(message, error);
    },
  });
  const views = new Views({
    names: NAMES,
    follow: (name, view) => upstream.follow(name, view),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  });
  const hydrated = () => views.all().every(({ frontier }) => frontier !== null);
  while (!hydrated()) await new Promise((resolve) => setTimeout(resolve, 10));
  const serving = serveViews(views, SERVE);
  const numbers = new BatchNumbers();
  return {
    access: { ...SESSION, port: serving.port },
    publish: (batches) => {
      for (const n of numbers.next(batches)) database.change(n);
    },
    facts: () => ({
      statements: database.statements,
      cursors: database.cursors,
      views: views.all().length,
      epoch: views.get(VIEW)?.epoch ?? '',
    }),
    close: () => {
      serving.close();
      views.stop();
      database.stop();
    },
  };
}
