import { fileURLToPath } from 'node:url';
import { Stand } from './stand.ts';
import { World } from './world.ts';

// `node web/stand-main.ts [changes per second] [port]` after `npm run build`: the built page on
// made-up changes, with no engine. For work on the page alone.

const perSecond = Number(process.argv[2] ?? 30);
const stand = new Stand(fileURLToPath(new URL('dist', import.meta.url)));
const world = new World(Math.random);

stand.set(
  { input: [['generated', '', 'connected', new Date().toISOString()]], ...world.views(Date.now()) },
  Date.now() - 1_000,
);
setInterval(() => {
  world.step(Date.now(), 1);
  stand.set(world.counted(), Date.now());
}, 1_000 / perSecond);
setInterval(() => stand.set(world.views(Date.now()), Date.now()), 1_000);
console.log(await stand.listen(Number(process.argv[3] ?? 0)));
