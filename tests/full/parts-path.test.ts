import { kafkaLocalMissing } from '../../scripts/kafka-local/tools.ts';
import { startPartsPath } from '../kafka/parts-path.ts';
import { testPath } from '../kafka/path-suite.ts';

for (const dialect of ['subscribe', 'tail'] as const) {
  testPath(
    `the services by themselves, before a database that speaks ${dialect}`,
    kafkaLocalMissing,
    (events) => startPartsPath(dialect, events),
  );
}
