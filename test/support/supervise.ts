// A supervisor as a process of its own: node -r load-typescript.cjs supervise.ts <home> <cli> <journal>
import { join } from 'node:path';
import { startSupervisor } from '../../io/supervisor';

const [home = '', temporalCli = '', journal = ''] = process.argv.slice(2);

const main = async (): Promise<void> => {
  const supervisor = await startSupervisor({
    home,
    storeId: '00000000-0000-4000-8000-000000000000',
    startedAt: '2026-01-01T00:00:00Z',
    temporalCli,
    address: null,
    namespace: 'default',
    attributes: [],
    worker: [process.execPath, join(__dirname, 'stub-worker.mjs'), journal],
    device: 'cpu',
    env: process.env,
    say: (text) => process.stdout.write(`${JSON.stringify({ say: text })}\n`),
  });
  process.on('SIGTERM', () => {
    void supervisor.stop().then(() => process.exit(0));
  });
  await supervisor.ready;
  process.stdout.write(`${JSON.stringify({ ready: true, address: supervisor.address })}\n`);
  await supervisor.failed;
};

main().catch((error: unknown) => {
  process.stdout.write(`${JSON.stringify({ error: String(error) })}\n`);
  process.exit(1);
});
