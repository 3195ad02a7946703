// The trainer for commands that a person waits for: its log only says what went wrong.
import { join } from 'node:path';
import type { Config } from '../io/config';
import { createLog } from '../io/log';
import { createRunTrainer, type RunTrainer } from '../io/trainer';

export const trainerOf = (config: Config, name: string): RunTrainer =>
  createRunTrainer({
    python: config.python,
    native: join(config.root, 'native'),
    log: createLog({ name, level: 'error', secrets: [config.hub.token] }),
  });
