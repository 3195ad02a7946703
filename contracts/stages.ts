// The stage table: a new stage is one row here, and test/house lists what it still lacks.
import type { Verb } from './artifacts';

export interface Stage {
  /** Raised when the same inputs and config would give another output. */
  version: number;
  queue: 'cpu' | 'gpu';
  /** Input fields (or whole parts) that enter the key; a field at its default is left out of the hash. */
  config: readonly string[];
  /** One line for the UI. */
  summary: string;
}

export const STAGES: Record<Verb, Stage> = {
  collect: { version: 3, queue: 'cpu', config: ['source'], summary: 'fetch every page once' },
  clean: { version: 5, queue: 'cpu', config: ['clean'], summary: 'pages to blocks of content' },
  dedup: { version: 3, queue: 'cpu', config: ['dedup'], summary: 'one of each duplicate section' },
  pair: { version: 6, queue: 'cpu', config: ['pair'], summary: 'sections to questions and answers' },
  format: { version: 3, queue: 'cpu', config: ['format', 'mix'], summary: 'pairs to chat examples and tokens' },
  train: { version: 3, queue: 'gpu', config: ['train', 'model.dtype'], summary: 'LoRA training with checkpoints' },
  evaluate: { version: 1, queue: 'gpu', config: ['evaluate', 'gate'], summary: 'base against tuned on held-out pages' },
  convert: { version: 1, queue: 'gpu', config: ['convert'], summary: 'model files, each proven' },
  publish: { version: 1, queue: 'cpu', config: ['publish'], summary: 'repositories prepared and pushed' },
};
