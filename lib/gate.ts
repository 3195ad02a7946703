// Better than the base, not worse than what was published last, nothing else broken: the arithmetic of the verdict.
// A "no" is a normal result; the workflow branches on it.
import type { Verdict } from '../contracts/artifacts';
import type { PipelineInput } from '../contracts/input';
import type { HealthRates } from './health';
import type { Comparison } from './stats';

export interface GateInput {
  config: PipelineInput['gate'];
  /** Tuned against base on the test split; null: no test example. */
  base: Comparison | null;
  /** Tuned against the last published; a string says why there is no comparison. */
  last: Comparison | string;
  /** Mean NLL on general text; null: not measured. */
  general: { base: number; tuned: number } | null;
  health: { base: HealthRates; tuned: HealthRates } | null;
}

type Rule = Verdict['rules'][number];

/** Fewer generated answers are shown, not judged: at 30, ten points are three answers. */
export const MIN_GENERATIONS = 30;

const nats = (value: number): string => `${value < 0 ? '' : '+'}${value.toFixed(3)}`;
const percent = (share: number): string => `${(100 * share).toFixed(share !== 0 && Math.abs(share) < 0.1 ? 1 : 0)} %`;
const passIf = (good: boolean): Rule['outcome'] => (good ? 'pass' : 'fail');

const enoughExamples = ({ config, base }: GateInput): Rule => {
  const examples = base?.examples ?? 0;
  if (examples >= config.minExamples)
    return { rule: 'enough_examples', outcome: 'pass', text: `${examples} test examples, at least ${config.minExamples} are asked for` };
  const text = `${examples} test examples are too few to decide, ${config.minExamples} are asked for`;
  return config.onInsufficient === 'pass'
    ? { rule: 'enough_examples', outcome: 'shown', text: `${text}; the input lets that pass (gate.onInsufficient)` }
    : { rule: 'enough_examples', outcome: 'fail', text };
};

const betterThanBase = ({ base }: GateInput, judged: boolean): Rule => {
  const rule = 'better_than_base';
  if (base === null) return { rule, outcome: 'not_applicable', text: 'no test example' };
  const { difference, interval, winRate, nll } = base;
  const text =
    `held-out loss ${nll.reference.toFixed(3)} -> ${nll.tuned.toFixed(3)} nats a token: ${nats(difference)}, 95 % interval ` +
    `[${nats(interval.low)}, ${nats(interval.high)}], better on ${percent(winRate)} of ${base.examples} examples`;
  return { rule, outcome: judged ? passIf(interval.high < 0) : 'shown', text };
};

const notWorseThanLast = ({ config, last }: GateInput, judged: boolean): Rule => {
  const rule = 'not_worse_than_last';
  if (typeof last === 'string') return { rule, outcome: 'not_applicable', text: last };
  const margin = config.marginLast * last.nll.reference;
  const text = `${nats(last.difference)} against the last published, 95 % interval up to ${nats(last.interval.high)}; up to ${nats(margin)} is allowed`;
  return { rule, outcome: judged ? passIf(last.interval.high < margin) : 'shown', text };
};

const generalText = ({ config, general }: GateInput): Rule => {
  const rule = 'general_text';
  if (general === null) return { rule, outcome: 'not_applicable', text: 'not measured' };
  const change = general.tuned / general.base - 1;
  const text = `loss on general text ${general.base.toFixed(3)} -> ${general.tuned.toFixed(3)} (${change < 0 ? '' : '+'}${percent(change)}); up to +${percent(config.maxGeneralLoss)} is allowed`;
  return { rule, outcome: passIf(general.tuned <= general.base * (1 + config.maxGeneralLoss)), text };
};

const FAULTS = ['malformed', 'endless', 'empty', 'looping'] as const;

const formatHealth = ({ config, health }: GateInput): Rule => {
  const rule = 'format_health';
  if (health === null || health.tuned.generations === 0) return { rule, outcome: 'not_applicable', text: 'no answers were generated' };
  const { base, tuned } = health;
  const rates = FAULTS.map((fault) => `${fault} ${percent(base[fault])} -> ${percent(tuned[fault])}`).join(', ');
  const generations = Math.min(base.generations, tuned.generations);
  if (generations < MIN_GENERATIONS)
    return { rule, outcome: 'shown', text: `${rates}; ${generations} answers are shown, not judged (${MIN_GENERATIONS} needed)` };
  // A count of answers, so that 0.1 + 0.2 does not decide.
  const worse = FAULTS.filter((fault) => Math.round((tuned[fault] - base[fault]) * 1e9) > Math.round(config.maxHealthLoss * 1e9));
  const text = worse.length === 0 ? rates : `${rates}; ${worse.join(' and ')} more than ${percent(config.maxHealthLoss)} above the base`;
  return { rule, outcome: passIf(worse.length === 0), text };
};

/**
 * The verdict: `pass` when no rule fails, `insufficient` when too few examples alone decide nothing, else `hold`.
 * With too few examples the comparisons are shown, not judged.
 */
export const judge = (input: GateInput): Verdict => {
  const enough = enoughExamples(input);
  const judged = enough.outcome === 'pass';
  const rules = [enough, betterThanBase(input, judged), notWorseThanLast(input, judged), generalText(input), formatHealth(input)];
  const failed = rules.filter(({ outcome }) => outcome === 'fail');
  const decision = failed.length === 0 ? 'pass' : failed.some(({ rule }) => rule !== 'enough_examples') ? 'hold' : 'insufficient';
  return { decision, rules };
};
