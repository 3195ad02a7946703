// `retune demo`: the whole pipeline on npm's own manual with a small model, on this machine.
import type { Command } from './command';
import { JSON_OPTION, parse } from './command';
import { EXIT, exitCode } from './exit';
import { runToEnd } from './run';

const PRESET = 'npm-manual';

export const demo: Command = {
  usage: '[--json]',
  help: ['What `npm start` runs after the set-up. The second time every finished stage is reused.'],
  async run(args, { config: readConfig, output }) {
    parse(args, JSON_OPTION, { min: 0, max: 0 });
    output.line("retune: npm's own manual (about 90 pages) to a tuned SmolLM2-135M, on this machine");
    let held = false;
    const code = await runToEnd(readConfig(), output, { preset: PRESET }, ({ result }) => {
      held = exitCode(result.status) === EXIT.held;
      if (result.status === 'failed' || result.status === 'cancelled') return;
      output.line();
      output.line('Next:');
      output.line(
        `  npx retune ask ${result.runId} "How do I install exactly what the lock file says?"    (--base asks the untuned model)`,
      );
      output.line(`  npx retune report ${result.runId}      the run as one HTML page`);
      output.line('  npx retune up                         the UI and this history again; then start runs from the browser');
      output.line(
        '  npx retune run                        five pages of the Python tutorial into gpt-oss-20b: needs a GPU and the internet',
      );
    });
    // A verdict is a result, not an error of the first minute.
    return held ? EXIT.ok : code;
  },
};
