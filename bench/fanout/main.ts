/** The fan-out bench alone: `node bench/fanout/main.ts [section…] [--quick]`. */
import { benchFanout } from './fanout.ts';
import { OptionsError } from './options.ts';

try {
  await benchFanout(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof OptionsError ? error.message : error);
  process.exit(error instanceof OptionsError ? 2 : 1);
}
