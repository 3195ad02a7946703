// The activities of each queue, put together from their parts.
import { createBrightDataActivities } from '../activities/brightdata';
import { createClean } from '../activities/clean';
import { createExplainCollect } from '../activities/collection';
import { createCollect } from '../activities/collect';
import { createLocalFiles } from '../activities/local-files';
import { createCrawl } from '../activities/crawl';
import { createSettleSource } from '../activities/settle-source';
import { createResolveSource } from '../activities/resolve-source';
import { createConvert } from '../activities/convert';
import { createDedup } from '../activities/dedup';
import { createDedupParts } from '../activities/dedup-parts';
import type { Device } from '../activities/device';
import { createEvaluate } from '../activities/evaluate';
import { createMix } from '../activities/mix';
import { createFormat } from '../activities/format';
import { createResolveLlm } from '../activities/llm-pairs';
import { createPair } from '../activities/pair';
import { createPublish } from '../activities/publish';
import { createPointer } from '../activities/pointer';
import { createApproval } from '../activities/approval';
import { createReport } from '../activities/report';
import { createRunRecord } from '../activities/run-record';
import { createResolveInput } from '../activities/resolve-input';
import { createResolveModel } from '../activities/resolve-model';
import { createFindStage, type StageDeps } from '../activities/stage';
import { createTrain } from '../activities/train';
import { createWeb } from '../activities/web';
import type { CpuActivities, GpuActivities } from '../contracts/activities';
import { type Parts, versions } from './parts';

const stageDeps = ({ store, clock, host }: Parts): StageDeps => ({ store, clock, host, versions: versions() });

/** @param attributes whether the search attributes are registered */
export const cpuActivities = (parts: Parts, attributes: () => boolean): CpuActivities => {
  const stage = stageDeps(parts);
  const { store, clock, config, runTrainer, log } = parts;
  const web = createWeb({ config, clock });
  return {
    ...createResolveInput({ store, config, attributes }),
    ...createResolveModel({ config, runTrainer }),
    ...createResolveSource({ store, clock, web, filesRoot: config.filesRoot }),
    ...createCrawl({ store }),
    ...createSettleSource({ store }),
    ...createFindStage({ store }),
    ...createLocalFiles({ store, clock, log, filesRoot: config.filesRoot }),
    ...createCollect({ ...stage, web, log }),
    ...createExplainCollect({ store }),
    ...createBrightDataActivities({ store, clock, config, log }),
    ...createClean({ ...stage, config }),
    ...createDedupParts({ store }),
    ...createDedup(stage),
    ...createPair({ ...stage, config }),
    ...createResolveLlm({ config }),
    ...createMix({ store, config }),
    ...createFormat({ ...stage, config, runTrainer }),
    ...createPublish({ ...stage, config }),
    ...createPointer({ store }),
    ...createApproval({ store }),
    ...createRunRecord({ store }),
    ...createReport({ store }),
  };
};

export const gpuActivities = (parts: Parts, device: Device): GpuActivities => {
  const deps = { ...stageDeps(parts), config: parts.config, runTrainer: parts.runTrainer, device };
  return { ...createTrain(deps), ...createEvaluate(deps), ...createConvert(deps) };
};
