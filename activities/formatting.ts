// What the two ways of making tokens, ours for GPT-OSS and the trainer's for other models, have in common.
import type { BaseModel } from '../contracts/artifacts';
import type { PipelineInput } from '../contracts/input';
import type { Dropped } from '../contracts/records';
import type { Config } from '../io/config';
import type { RunTrainer } from '../io/trainer';
import type { DatasetParts } from '../lib/dataset-rows';
import type { Mix } from '../lib/draw-mix';
import type { GeneralRow } from '../lib/mix';
import type { BytesOf } from '../lib/preview';
import type { SplitPairs } from '../lib/split-pairs';
import type { TokenFileMeta } from '../lib/token-file';
import type { Box, StageDeps } from './stage';

export interface FormatDeps extends StageDeps {
  config: Config;
  runTrainer: RunTrainer;
}

/** How the examples came about, and what their token files say of the base. */
export interface Tokenised {
  shortened: number;
  meta: TokenFileMeta;
  /** For the preview. */
  bytesOf: BytesOf;
  /** tokens/general.safetensors. */
  probe: Uint8Array;
}

/** What the families work with. */
export interface Formatting {
  deps: FormatDeps;
  box: Box;
  base: BaseModel;
  config: PipelineInput['format'];
  split: SplitPairs;
  parts: DatasetParts;
  drop: (dropped: Dropped) => void;
  mix: Mix | null;
  general: readonly GeneralRow[];
  /** A folder of this attempt alone. */
  work: string;
}
