// The pure door of `evaluate`: raw scores and answers of the trainer to comparisons and a verdict.
import type { Verdict } from '../contracts/artifacts';
import type { PipelineInput } from '../contracts/input';
import type { Example } from '../contracts/records';
import type { Family } from '../contracts/trainer';
import { judge } from './gate';
import { type Generation, type HealthRates, healthOf, healthRates } from './health';
import { type Comparison, compare, type PairedScore, type Score } from './stats';

/** Names of the models and probes in the trainer's files. */
export const MODEL = { base: 'base', tuned: 'tuned', last: 'last' } as const;
export const PROBE = { test: 'test', general: 'general' } as const;

/** A line of nll.jsonl. */
export interface ScoreRow extends Score {
  probe: string;
  /** Id of the example, 64 hex digits. */
  example: string;
  model: string;
}

/** A line of answers.jsonl. */
export interface AnswerRow extends Generation {
  id: string;
  model: string;
}

export interface EvaluateInput {
  scores: readonly ScoreRow[];
  answers: readonly AnswerRow[];
  /** The test part of the dataset. */
  examples: readonly Example[];
  splitBy: 'page' | 'section';
  family: Family;
  config: PipelineInput['gate'];
  /** Examples that the last published model was trained on; a string says why it is not compared with. */
  last: { trained: Iterable<Example> } | string;
}

export interface Evaluation {
  base: Comparison | null;
  last: Comparison | null;
  /** Test examples not compared with last, which was trained on their page. */
  skippedForLast: number;
  general: { base: number; tuned: number } | null;
  health: { base: HealthRates; tuned: HealthRates } | null;
  /** One a question, in the order asked. */
  answers: { id: string; base: string; tuned: string }[];
  verdict: Verdict;
}

/** evaluation.json: what the command line, the cards and the report read. Losses are nats a token of answer text. */
export interface EvaluationFile extends Omit<Evaluation, 'answers'> {
  schema: 1;
  /** The figures of `base` that people ask for; null: no test example. `low` and `high` bound tuned - base with 95 %. */
  nll: { base: number; tuned: number; difference: number; low: number; high: number; examples: number; pages: number } | null;
  answers: { question: string; base: string; tuned: string }[];
}

/**
 * The file of an evaluation.
 * @param questions the text of each prompt by its id; answers to other prompts are left out, they only count for health
 */
export const evaluationFile = (evaluation: Evaluation, questions: ReadonlyMap<string, string>): EvaluationFile => {
  const { base, answers } = evaluation;
  const nll =
    base === null
      ? null
      : {
          base: base.nll.reference,
          tuned: base.nll.tuned,
          difference: base.difference,
          ...base.interval,
          examples: base.examples,
          pages: base.groups,
        };
  const asked = answers.flatMap(({ id, ...texts }) => {
    const question = questions.get(id);
    return question === undefined ? [] : [{ question, ...texts }];
  });
  return { schema: 1, nll, ...evaluation, answers: asked };
};

const utf8 = new TextEncoder();

const groupOf = ({ url, anchor, path }: Example, splitBy: EvaluateInput['splitBy']): string =>
  splitBy === 'page' ? url : JSON.stringify([url, anchor, path]);

/** Scores by model and example of one probe. */
const table = (scores: readonly ScoreRow[], probe: string): Map<string, Map<string, Score>> => {
  const models = new Map<string, Map<string, Score>>();
  for (const row of scores) {
    if (row.probe !== probe) continue;
    const own = models.get(row.model) ?? new Map<string, Score>();
    models.set(row.model, own.set(row.example, row));
  }
  return models;
};

const meanNll = (scores: ReadonlyMap<string, Score> | undefined): number | null => {
  const values = [...(scores?.values() ?? [])].map(({ contentNats, contentTokens }) => contentNats / contentTokens);
  return values.length === 0 ? null : values.reduce((total, value) => total + value, 0) / values.length;
};

/**
 * @throws RangeError when a scored example is not in the test part, or was scored for one model only: the files do not
 *   belong together
 */
export const evaluate = ({ scores, answers, examples, splitBy, family, config, last }: EvaluateInput): Evaluation => {
  const byId = new Map(examples.map((example) => [example.id, example]));
  const test = table(scores, PROBE.test);
  const pairedWith = (reference: string, counts: (example: Example) => boolean): PairedScore[] =>
    [...(test.get(MODEL.tuned) ?? [])].flatMap(([id, tuned]) => {
      const example = byId.get(id);
      const other = test.get(reference)?.get(id);
      if (example === undefined || other === undefined)
        throw new RangeError(`example ${id} has no ${example === undefined ? 'row in the test split' : `score of ${reference}`}`);
      const bytes = utf8.encode(example.messages.at(-1)?.content ?? '').length;
      return counts(example) ? [{ group: groupOf(example, splitBy), kind: example.kind, bytes, reference: other, tuned }] : [];
    });

  const base = compare(pairedWith(MODEL.base, () => true));
  // By what was held out as a whole: after a split by sections its test pages have sections in training too.
  const seen = typeof last === 'string' ? new Set() : new Set(Array.from(last.trained, (example) => groupOf(example, splitBy)));
  const unseen = typeof last === 'string' ? [] : pairedWith(MODEL.last, (example) => !seen.has(groupOf(example, splitBy)));
  const lastComparison = compare(unseen);
  const lastOrWhy = typeof last === 'string' ? last : (lastComparison ?? 'the last published model was trained on every test page');

  const general = table(scores, PROBE.general);
  const [baseGeneral, tunedGeneral] = [meanNll(general.get(MODEL.base)), meanNll(general.get(MODEL.tuned))];
  const generalLoss = baseGeneral === null || tunedGeneral === null ? null : { base: baseGeneral, tuned: tunedGeneral };

  const read = answers.map((row) => ({ id: row.id, model: row.model, health: healthOf(row, family) }));
  const healthsOf = (model: string): HealthRates => healthRates(read.filter((row) => row.model === model).map((row) => row.health));
  const health = answers.length === 0 ? null : { base: healthsOf(MODEL.base), tuned: healthsOf(MODEL.tuned) };
  const textOf = (id: string, model: string): string => read.find((row) => row.id === id && row.model === model)?.health.text ?? '';

  return {
    base,
    last: lastComparison,
    skippedForLast: typeof last === 'string' ? 0 : (test.get(MODEL.tuned)?.size ?? 0) - unseen.length,
    general: generalLoss,
    health,
    answers: [...new Set(answers.map(({ id }) => id))].map((id) => ({ id, base: textOf(id, MODEL.base), tuned: textOf(id, MODEL.tuned) })),
    verdict: judge({ config, base, last: lastOrWhy, general: generalLoss, health }),
  };
};
