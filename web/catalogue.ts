/**
 * The names of the views in the answer of `GET /api/views`: `{views: [{name, …}, …]}`, or the array
 * alone. Empty for an answer of another shape.
 */
export function viewNames(answer: unknown): ReadonlySet<string> {
  const views = Array.isArray(answer) ? answer : isRecord(answer) ? answer.views : undefined;
  const names = new Set<string>();
  for (const view of Array.isArray(views) ? views : []) {
    if (isRecord(view) && typeof view.name === 'string') names.add(view.name);
  }
  return names;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
