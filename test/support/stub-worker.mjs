// A worker that does nothing but obey the rules of workers: ready line, SIGTERM, end of standard input.
// node stub-worker.mjs <journal> cpu|gpu [index]; writes what happens to the journal.
import { appendFileSync } from 'node:fs';
import { createConnection } from 'node:net';

const [journal, role] = process.argv.slice(2);
const note = (what) =>
  appendFileSync(
    journal,
    `${JSON.stringify({ what, role, pid: process.pid, device: process.env.RETUNE_DEVICE ?? null, address: process.env.TEMPORAL_ADDRESS })}\n`,
  );

const leave = (what) => {
  note(what);
  process.exit(0);
};

if (process.env.STUB_EXIT) {
  process.stderr.write('stub: nothing works\n');
  process.exit(Number(process.env.STUB_EXIT));
}
note('start');
process.stdin.on('end', () => {
  note('parent gone');
  process.exit(1);
});
process.stdin.resume();
process.on('SIGTERM', () => {
  note('term');
  setTimeout(() => {
    const [host, port] = process.env.TEMPORAL_ADDRESS.split(':');
    const server = createConnection(Number(port), host);
    server.on('connect', () => leave('left before the server'));
    server.on('error', () => leave('left after the server'));
  }, 300);
});
process.stdout.write(`${JSON.stringify({ type: 'ready', queue: role })}\n`);
