// Pairs by a language model, section by section. What it answered is in the store before it is used, under the hash of
// what it was asked: nothing is paid for twice, whoever is killed when.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { CpuActivities } from '../contracts/activities';
import { failure } from '../contracts/errors';
import type { PipelineInput } from '../contracts/input';
import { type Dropped, RECORD_SCHEMA, type Section } from '../contracts/records';
import type { Config } from '../io/config';
import { createLlm, type LlmClient, LlmError } from '../io/llm';
import type { Store } from '../io/store';
import { digest } from '../lib/hash';
import type { Candidate } from '../lib/kinds';
import {
  generatePrompt,
  isGrounded,
  isWorthAsking,
  judgePrompt,
  llmCandidate,
  llmPairId,
  PROMPT_VERSION,
  readGenerated,
  readVerdict,
} from '../lib/llm-pair';
import type { Box } from './stage';

type LlmOptions = PipelineInput['pair']['llm'];

const Cached = z.object({ schema: z.literal(1), text: z.string(), tokens: z.number() });
const ANSWER_TOKENS = 2000;
const TIMEOUT_MS = 180_000;
const TRIES = 5;
const LONGEST_WAIT_MS = 60_000;

/** @throws ApplicationFailure ConfigMissing naming the variable */
const endpoint = ({ llm }: Pick<Config, 'llm'>): { url: string; model: string } => {
  const { url, model } = llm;
  for (const [name, value] of [
    ['RETUNE_LLM_URL', url],
    ['RETUNE_LLM_MODEL', model],
  ])
    if (value === null) throw failure('ConfigMissing', `pair.llm.enabled needs ${name} on the worker, and it is not set`);
  return { url: url!, model: model! };
};

export const llmDigest = (model: string): string => digest({ model, prompts: PROMPT_VERSION });

/** What decides a model's answers, for the key of `pair`. */
export const createResolveLlm = ({ config }: { config: Pick<Config, 'llm'> }): Pick<CpuActivities, 'resolveLlm'> => ({
  resolveLlm: () => Promise.resolve(llmDigest(endpoint(config).model)),
});

const final = (error: LlmError): never => {
  if (error.code === 'DENIED' || error.code === 'NOT_FOUND') throw failure('ConfigMissing', error.message);
  if (error.code === 'RATE_LIMITED')
    throw failure('RateLimited', error.message, error.retryAfterMs === null ? {} : { retryAfterMs: error.retryAfterMs });
  if (error.code === 'UNAVAILABLE') throw failure('RemoteUnavailable', error.message);
  throw failure('RemoteRefused', error.message);
};

class Asker {
  /** Of all answers used, those from the store included: the same at every attempt. */
  tokens = 0;
  /** Answers used, those from the store included. */
  answered = 0;
  /** Answers that were paid for by this attempt. */
  asked = 0;

  constructor(
    private readonly store: Store,
    private readonly client: LlmClient,
    private readonly model: string,
    private readonly signal: AbortSignal,
  ) {}

  /** @throws LlmError REFUSED, which is about this prompt or about all; an ApplicationFailure for anything else */
  async ask(prompt: { system: string; user: string }): Promise<string> {
    const path = `llm/${digest({ model: this.model, prompts: PROMPT_VERSION, ...prompt })}.json`;
    const stored = await this.store.read(path);
    if (stored !== null) {
      const cached = Cached.parse(JSON.parse(stored.toString('utf8')));
      this.tokens += cached.tokens;
      this.answered += 1;
      return cached.text;
    }
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await this.client.complete({ ...prompt, maxTokens: ANSWER_TOKENS }, { signal: this.signal, timeoutMs: TIMEOUT_MS });
        await this.store.putFile(path, JSON.stringify({ schema: 1, ...answer }));
        this.tokens += answer.tokens;
        this.answered += 1;
        this.asked += 1;
        return answer.text;
      } catch (error) {
        if (!(error instanceof LlmError)) throw error;
        const heals = error.code === 'RATE_LIMITED' || error.code === 'UNAVAILABLE' || error.code === 'BAD_ANSWER';
        const wait = error.retryAfterMs ?? 1000 * 2 ** (attempt - 1);
        if (error.code === 'REFUSED') throw error;
        if (!heals || attempt >= TRIES || wait > LONGEST_WAIT_MS) return final(error);
        await sleep(wait, undefined, { signal: this.signal });
      }
    }
  }
}

/** What a model wrote: candidates by section id, and the fates of what was not believed. */
export interface Written {
  candidates: Map<string, Candidate[]>;
  dropped: Dropped[];
}

/**
 * Candidates until the budget is used up: looked at before each group of sections, in the order of their ids, so that what is
 * asked does not depend on which answer comes first. A prompt that the endpoint refuses (too long, filtered) costs its section
 * its pairs; one that refuses all ends the stage.
 * @param sections ascending by id
 */
export const llmCandidates = async (
  { store, config }: { store: Store; config: Pick<Config, 'llm'> },
  sections: AsyncIterable<Section>,
  options: LlmOptions,
  expected: string | undefined,
  box: Box,
): Promise<Written> => {
  const { url, model } = endpoint(config);
  if (expected !== llmDigest(model))
    throw failure('ConfigMissing', `RETUNE_LLM_MODEL of this worker is not the one that the run began with; set the same on every worker`);
  const client = createLlm({ url, model, key: config.llm.key });
  const asker = new Asker(store, client, model, box.pulse.signal);
  const candidates = new Map<string, Candidate[]>();
  const fates = new Map<string, Dropped[]>();
  const counts = { generated: 0, refused: 0, unreadable: 0, judged_out: 0, ungrounded: 0, over_budget: 0 };

  const about = async (section: Section): Promise<void> => {
    const pairs = readGenerated(await asker.ask(generatePrompt(section, options.maxPairs)), options.maxPairs);
    if (pairs === null) counts.unreadable += 1;
    if (pairs === null || pairs.length === 0) return;
    counts.generated += pairs.length;
    const accepted = readVerdict(await asker.ask(judgePrompt(section, pairs)), pairs.length);
    const [kept, out]: [Candidate[], Dropped[]] = [[], []];
    pairs.forEach((pair, index) => {
      const reason = accepted[index] !== true ? 'judged_out' : isGrounded(pair, section) ? null : 'ungrounded';
      if (reason === null) return void kept.push(llmCandidate(pair, section));
      counts[reason] += 1;
      out.push({ schema: RECORD_SCHEMA, id: llmPairId(pair, section), of: 'pair', stage: 'pair', reason, detail: pair.question });
    });
    candidates.set(section.id, kept);
    fates.set(section.id, out);
  };

  let refusal: LlmError | null = null;
  const tryAbout = async (section: Section): Promise<void> => {
    try {
      await about(section);
    } catch (error) {
      if (!(error instanceof LlmError)) throw error;
      counts.refused += 1;
      refusal ??= error;
    }
  };

  try {
    let done = 0;
    const ask = async (group: readonly Section[]): Promise<void> => {
      if (asker.tokens >= options.budgetTokens) {
        counts.over_budget += group.length;
        return;
      }
      // All of a group end before an error leaves: what they were paid for is in the store.
      const ended = await Promise.allSettled(group.map(tryAbout));
      const failed = ended.find((one) => one.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      if (refusal !== null && asker.answered === 0) final(refusal);
      done += group.length;
      box.pulse.details({ text: 'language model', done, total: null });
    };
    let group: Section[] = [];
    for await (const section of sections) {
      if (isWorthAsking(section, options.minWords)) group.push(section);
      if (group.length < options.concurrency) continue;
      await ask(group);
      group = [];
    }
    await ask(group);
  } finally {
    await client.close();
  }
  box.counts['llm_tokens'] = asker.tokens;
  box.counts['llm_asked'] = asker.asked;
  for (const [name, count] of Object.entries(counts)) if (count > 0) box.counts[`llm_${name}`] = count;
  // In the order of the sections, whichever answer came first.
  const dropped = [...fates.keys()].sort().flatMap((id) => fates.get(id) ?? []);
  return { candidates, dropped };
};
