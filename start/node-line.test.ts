import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { judgeNode } from './node-line.ts';

test('Node 22.18 and later of that line fit', () => {
  for (const version of ['22.18.0', '22.23.3', '22.99.1']) {
    expect(judgeNode(version, '/nowhere', 'linux')).toEqual({ kind: 'fits' });
  }
});

test('another line hands over to the bundled Node, or is refused in a sentence', () => {
  const root = mkdtempSync(join(tmpdir(), 'viewcast-node-'));
  try {
    for (const version of ['22.17.9', '20.20.2', '24.1.0', '26.0.0']) {
      const advice = judgeNode(version, root, 'linux');
      expect(advice.kind === 'refuse' && advice.reason).toContain(`this is Node ${version}`);
    }
    const bundled = join(root, 'node_modules', '.bin', 'node');
    mkdirSync(join(root, 'node_modules', '.bin'), { recursive: true });
    writeFileSync(bundled, '');
    expect(judgeNode('24.1.0', root, 'linux')).toEqual({ kind: 'hand-over', to: bundled });
  } finally {
    rmSync(root, { recursive: true });
  }
});
