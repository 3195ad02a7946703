// `npm start`: set-up, then the demo. Everything after `--` goes to the demo.
import path from 'node:path';
import { pathToFileURL } from 'node:url';

if (Number(process.versions.node.split('.')[0]) < 20) {
  console.error(`Node ${process.versions.node} is too old: install Node 20.19 or newer.`);
  process.exit(1);
}
const { ROOT, explain } = await import('./steps.mjs');
const { setUp } = await import('./setup.mjs');

try {
  await setUp();
  // In this process, so that Ctrl-C reaches the demo once.
  const { main } = await import(pathToFileURL(path.join(ROOT, 'dist', 'cli', 'main.js')).href);
  process.exitCode = await main(['demo', ...process.argv.slice(2)]);
} catch (error) {
  explain(error);
}
