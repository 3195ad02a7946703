// Bundles the workflows ahead of time, so that a worker is ready in 0.6 s instead of 2.
// node dist/scripts/bundle.js
import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';

const dist = path.resolve(__dirname, '..');

const main = async (): Promise<void> => {
  const { code } = await bundleWorkflowCode({ workflowsPath: path.join(dist, 'workflows', 'index.js') });
  const target = path.join(dist, 'workflow-bundle.js');
  writeFileSync(`${target}.new`, code);
  renameSync(`${target}.new`, target); // a worker that starts meanwhile reads the old one or the new one
};

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
