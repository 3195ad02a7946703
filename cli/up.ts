// `retune up`: Temporal, its UI and the workers, in the foreground until Ctrl-C.
import { openStore } from '../io/store';
import type { Command } from './command';
import { JSON_OPTION, parse } from './command';
import { EXIT } from './exit';
import { onStopSignals } from './interrupt';
import { supervise } from './session';

export const up: Command = {
  usage: '[--json]',
  help: [
    'Starts a Temporal dev server with its database under RETUNE_HOME (or uses TEMPORAL_ADDRESS), one cpu worker and one gpu worker',
    'a device; restarts what dies. Ctrl-C ends all in order: a running training writes a checkpoint. Ctrl-C again stops at once;',
    'open runs go on at the next start either way.',
  ],
  async run(args, { config: readConfig, output }) {
    parse(args, JSON_OPTION, { min: 0, max: 0 });
    const config = readConfig();
    const aborted = new AbortController();
    const signals = onStopSignals(() => aborted.abort());
    output.line('starting Temporal and the workers …');
    const supervisor = await supervise(config, output, aborted.signal).catch((error: unknown) => {
      if (aborted.signal.aborted) return null;
      throw error;
    });
    if (supervisor === null) return EXIT.cancelled;
    const stopped = signals.next(() => {
      output.line('ending in order; a running training writes a checkpoint (Ctrl-C again: at once) …');
      const again = signals.next(() => void supervisor.stop());
      void again;
    });
    try {
      await Promise.race([supervisor.ready, supervisor.failed, stopped]);
      if (!signals.received) {
        output.line(`UI        ${supervisor.uiUrl ?? '(that of the server you named)'}`);
        output.line(`Temporal  ${supervisor.address}, namespace ${supervisor.namespace}, task queue ${config.queuePrefix}retune`);
        output.line(
          `devices   ${supervisor.devices.length === 0 ? 'no GPU: small models on the CPU' : supervisor.devices.map((gpu) => `${gpu.index}: ${gpu.name}`).join(', ')}`,
        );
        output.line(`store     ${(await openStore(config.store)).uri}`);
        output.line(`logs      ${config.home}/logs`);
        output.line();
        output.line('In another terminal: npx retune run --preset npm-manual   ·   npx retune --help   ·   Ctrl-C ends this');
        const { address, namespace, uiUrl, devices } = supervisor;
        output.event({ type: 'up', address, namespace, uiUrl, devices });
      }
      await Promise.race([supervisor.failed, stopped]);
    } finally {
      await supervisor.stop();
    }
    return EXIT.ok;
  },
};
