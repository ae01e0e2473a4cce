import type { Route } from './routes.ts';

/** Numbers in Prometheus' text format. */
export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}

/** `GET /metrics`. */
export function metricsRoute(metrics: MetricsText): Route {
  return ({ path }) => {
    if (path !== '/metrics') return null;
    return metrics.text().then((body) => ({
      status: 200,
      headers: { 'Content-Type': metrics.contentType, 'Cache-Control': 'no-store' },
      body,
    }));
  };
}
