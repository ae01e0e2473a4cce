import type { Verifier } from './auth/connection-auth.ts';
import type { Config } from './config.ts';
import { memoryOf } from './memory-shedding.ts';
import type { MessageOptions, Serving } from './serve-options.ts';
import { serveViews } from './serve-views.ts';
import { Upstream } from './upstream/upstream.ts';
import { DEFAULT_LIMITS } from './view/history.ts';
import { HistoryBudget } from './view/history-budget.ts';
import { Views as FollowedViews } from './view/views.ts';

/** Where the server tells what happens. */
export interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** A server with its upstream; its end may take a moment. */
export type Running = Omit<Serving, 'own' | 'close'> & {
  readonly upstream: Upstream;
  /** Whether all that serves answers; this thread does when it is asked. */
  alive(): Promise<boolean>;
  close(): void | Promise<void>;
};

/** What is followed: one connection to the upstream for each view. */
export interface Followed {
  readonly upstream: Upstream;
  /** What the views' histories may have. */
  readonly budget: HistoryBudget;
  readonly views: FollowedViews;
}

/** Follows the upstream's views. */
export function followViews(config: Pick<Config, 'upstream' | 'views'>, log: Log): Followed {
  const upstream = new Upstream({
    url: config.upstream,
    report: ({ view, kind, message, error }) => {
      if (kind === 'lost') log.warn({ view, err: error }, message);
      else log.info({ view }, message);
    },
    speaks: (dialect) => {
      if (dialect === 'tail') views.treatAsOlder();
    },
  });
  const budget = new HistoryBudget(DEFAULT_LIMITS);
  const views: FollowedViews = new FollowedViews({
    follow: (name, view) => upstream.follow(name, view),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    names: config.views,
    limits: budget,
  });
  return { upstream, budget, views };
}

/** Follows the upstream's views and serves them. */
export function startPipeline(
  config: Config,
  log: Log,
  verifier: Verifier | null = null,
  messages: MessageOptions | undefined = undefined,
): Running {
  const { upstream, budget, views } = followViews(config, log);
  try {
    const serving = serveViews(views, {
      ...config,
      access: { verifier, querySeconds: config.authQuerySeconds },
      memory: memoryOf(config, log),
      messages,
      limitHistory: (share) => budget.take(share),
      failed: (path, error) => log.error({ path, err: error }, 'a request failed'),
    });
    return {
      ...serving,
      upstream,
      alive: async () => true,
      close: () => {
        serving.close();
        views.stop();
      },
    };
  } catch (error) {
    views.stop();
    throw error;
  }
}
