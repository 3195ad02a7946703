// The adapter as files that people load, each loaded again and proven before anything is published.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { GpuActivities } from '../contracts/activities';
import type { StageRef } from '../contracts/artifacts';
import { failure } from '../contracts/errors';
import type { PipelineInput } from '../contracts/input';
import { manifestOf, runStage, stagePath } from './stage';
import { type GpuDeps, localBase, trainedDtype, trainerDevice } from './train';
import { stopOf } from './trainer-failure';

/** Enough tokens that the proof's mean is no noise (decisions: 2,000 supervised tokens, or all). */
const PROBE_TOKENS = 2_000;

export const createConvert = (deps: GpuDeps): Pick<GpuActivities, 'convert'> => ({
  async convert(task, base) {
    return deps.device.hold(async () =>
      runStage(deps, task, async (box) => {
        const { format, train } = task.inputs as { format: StageRef; train: StageRef };
        const settings = task.config.convert as PipelineInput['convert'];
        const out = join(deps.config.home, 'work', 'convert', `${task.key}-${box.fence}`);
        const adapter = await deps.store.local(await stagePath(deps.store, train, 'adapter_config.json'));
        const { content } = await manifestOf(deps.store, format);
        const splits = ['tokens/test.safetensors', 'tokens/train.safetensors'].filter((name) =>
          content.outputs.some((output) => output.name === name),
        );
        const probe = await Promise.all(splits.map(async (name) => deps.store.local(await stagePath(deps.store, format, name))));
        const result = await deps.runTrainer({
          command: 'convert',
          config: {
            schema: 1,
            command: 'convert',
            out,
            device: trainerDevice(deps),
            dtype: await trainedDtype(deps, train),
            base: await localBase(deps, box, base),
            adapter: join(adapter, '..'),
            formats: settings.formats,
            probe,
            minProbeTokens: PROBE_TOKENS,
          },
          signal: box.pulse.signal,
          onEvent: (event) => {
            if (event.type === 'progress') box.pulse.details({ text: event.what, done: event.done, total: event.total });
          },
        });
        if (result.outcome !== 'done' || result.result === null) throw stopOf('convert', result, box.pulse.signal);
        const files = (await readdir(out, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
        for (const file of files) {
          const path = join(file.parentPath, file.name);
          const name = path
            .slice(out.length + 1)
            .split('\\')
            .join('/');
          await box.check();
          // The proof holds measured figures: beside the outputs, outside their digest.
          if (name === 'proof.json') continue;
          await box.putLocal(name, path);
        }
        const proof = result.result.metrics;
        await box.sidecar('proof.json', JSON.stringify(proof, null, 2));
        box.metrics = proof;
        box.counts = { files: files.length - 1, formats: settings.formats.length };
        if (files.length === 0) throw failure('ArtifactCorrupt', 'convert wrote no file');
        await rm(out, { recursive: true, force: true });
      }),
    );
  },
});
