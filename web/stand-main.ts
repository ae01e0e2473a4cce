import { fileURLToPath } from 'node:url';
import type { Row } from '../client/rows.ts';
import { Stand } from './stand.ts';

// `node web/stand-main.ts [changes per second]` after `npm run build`: the built page on made-up
// changes, with no engine. For work on the page alone.

const perSecond = Number(process.argv[2] ?? 30);
const stand = new Stand(fileURLToPath(new URL('dist', import.meta.url)));
const counts = new Map<string, number>();
let total = 0;

function change(): void {
  const user = `Editor ${Math.floor(Math.random() ** 3 * 60)}`;
  counts.set(user, (counts.get(user) ?? 0) + 1);
  total += 1;
}

function top10(): Row[] {
  const ranked = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return ranked.slice(0, 10);
}

stand.set(
  { input: [['generated', '', 'connected', new Date().toISOString()]] },
  Date.now() - 1_000,
);
setInterval(() => {
  change();
  stand.set({ counter: [[total]], top10: top10() }, Date.now());
}, 1_000 / perSecond);
console.log(await stand.listen(Number(process.argv[3] ?? 0)));
