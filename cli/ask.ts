// `retune ask <run> "question"`: the tuned model's answer, or the base's, word by word; reads the store alone.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BaseModel } from '../contracts/artifacts';
import { PipelineInput } from '../contracts/input';
import type { GenerateConfig } from '../contracts/trainer';
import type { z } from 'zod';
import { materialise } from '../io/base-model';
import { openStore } from '../io/store';
import { TrainerStop } from '../io/trainer';
import { createCompletionReader } from '../lib/completion';
import { messagesOf } from '../lib/format';
import { renderPrompt, STOP_IDS } from '../lib/harmony';
import type { Command } from './command';
import { JSON_OPTION, parse, whole } from './command';
import { CommandFailed, EXIT, UsageError } from './exit';
import { onStopSignals } from './interrupt';
import type { Output } from './output';
import { findStageRef, readStage } from './run-record';
import { trainerOf } from './trainer';

type Prompt = z.input<typeof GenerateConfig>['prompt'];
type Effort = PipelineInput['format']['reasoning'];

const EFFORTS = ['low', 'medium', 'high'] as const;

/** The prompt exactly as the model was trained on. */
const promptOf = (question: string, base: BaseModel, format: PipelineInput['format'], effort: Effort | undefined): Prompt => {
  const messages = messagesOf(question, '', format.instructions, base.family).slice(0, -1);
  if (base.family === 'gpt-oss')
    return {
      id: 'ask',
      messages: null,
      ids: renderPrompt(messages, { date: format.date, reasoning: effort ?? format.reasoning }),
      stopIds: [...STOP_IDS],
    };
  if (effort !== undefined) throw new UsageError(`--effort: ${base.id} has no reasoning effort, only GPT-OSS has`);
  return {
    id: 'ask',
    messages: messages.map(({ role, content }) => ({ role: role === 'developer' ? 'system' : role, content })),
    ids: null,
    stopIds: null,
  };
};

/** Text as it comes: of a chat model from the trainer, of GPT-OSS from the ids, its thoughts dimmed. */
const createStream = (output: Output, harmony: boolean): { push: (text: string | null, id: number) => void; answer: () => string } => {
  const reader = createCompletionReader();
  let plain = '';
  const say = (text: string, thought: boolean): void => {
    if (text === '') return;
    if (!output.json) process.stdout.write(thought ? output.style('dim', text) : text);
    output.event({ type: 'token', text, channel: thought ? 'analysis' : 'final' });
  };
  return {
    push(text, id) {
      if (harmony) {
        const piece = reader.push(id);
        if (piece !== null) say(piece.text, piece.channel !== 'final');
      } else if (text !== null) {
        plain += text;
        say(text, false);
      }
    },
    answer: () => (harmony ? reader.result().text : plain),
  };
};

export const ask: Command = {
  usage: '<run> "question" [--base] [--effort low|medium|high] [--max-tokens 200] [--temperature 0] [--json]',
  help: [
    '--base         the untuned model',
    '--effort       GPT-OSS: how long it may think; as in the run by default',
    '--max-tokens   longest answer, thoughts included',
    '--temperature  0 (the same answer every time) by default',
  ],
  async run(args, { config: readConfig, output }) {
    const options = {
      ...JSON_OPTION,
      base: { type: 'boolean', default: false },
      effort: { type: 'string' },
      'max-tokens': { type: 'string' },
      temperature: { type: 'string', default: '0' },
    } as const;
    const { values, positionals } = parse(args, options, { min: 2, max: 2 });
    const [runId = '', question = ''] = positionals;
    const effort = EFFORTS.find((one) => one === values.effort);
    if (values.effort !== undefined && effort === undefined)
      throw new UsageError(`--effort ${values.effort}: choose among ${EFFORTS.join(', ')}`);
    const temperature = Number(values.temperature);
    if (!(temperature >= 0 && temperature <= 2)) throw new UsageError(`--temperature ${values.temperature}: give a number from 0 to 2`);
    const maxNewTokens = whole('max-tokens', values['max-tokens'], 1) ?? 200;

    const config = readConfig();
    const store = await openStore(config.store);
    const { record, ref } = await findStageRef(store, runId, 'train');
    const stage = await readStage(store, ref);
    const { base } = record;
    if (stage === null || base === null)
      throw new CommandFailed(`the adapter of ${runId} is gone from the store; npx retune resume ${runId} makes it again`);
    const { format } = PipelineInput.parse(record.input);
    const prompt = promptOf(question, base, format, effort);

    const stop = new AbortController();
    const signals = onStopSignals(() => stop.abort());
    const folder = join(config.home, 'work');
    mkdirSync(folder, { recursive: true });
    const out = mkdtempSync(join(folder, 'ask-'));
    const runTrainer = trainerOf(config, 'ask');
    try {
      if (output.live) output.note(output.style('dim', `loading ${values.base ? base.id : `${base.id} with the adapter of ${runId}`} …`));
      const local = await materialise({ config, runTrainer }, base.id, base.revision, { signal: stop.signal });
      const stream = createStream(output, base.family === 'gpt-oss');
      const result = await runTrainer({
        command: 'generate',
        config: {
          schema: 1,
          command: 'generate',
          out,
          device: config.device === 'cpu' ? 'cpu' : 'auto',
          base: {
            folder: local.folder,
            family: base.family,
            id: base.publicId,
            revision: base.revision,
            weightsDigest: local.model.weightsDigest,
          },
          adapter: values.base ? null : await store.local(stage.folder),
          prompt,
          maxNewTokens,
          temperature,
          topP: 1,
          seed: 0,
        },
        signal: stop.signal,
        onEvent: (event) => {
          if (event.type === 'token') stream.push(event.text, event.id);
        },
      });
      if (!output.json) process.stdout.write('\n');
      if (stop.signal.aborted) return EXIT.cancelled;
      if (result.outcome !== 'done') throw new TrainerStop('generate', result);
      const { newTokens, stopped, seconds } = result.result?.metrics ?? {};
      output.event({
        type: 'result',
        runId,
        model: values.base ? 'base' : 'tuned',
        question,
        answer: stream.answer(),
        newTokens,
        stopped,
        seconds,
      });
      return EXIT.ok;
    } catch (error) {
      if (stop.signal.aborted) return EXIT.cancelled;
      if (error instanceof TrainerStop) throw new CommandFailed(error.message);
      throw error;
    } finally {
      signals.release();
      rmSync(out, { recursive: true, force: true });
    }
  },
};
