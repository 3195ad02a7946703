// What a run made, in the words of a person: numbers, verdict, answers, where things are, what to type next.
import { z } from 'zod';
import type { PipelineResult, RunRecord } from '../contracts/artifacts';
import { listRuns, reportPath } from '../io/runs';
import type { Store } from '../io/store';
import { grouped } from '../lib/wording';
import type { Output } from './output';
import { readStage } from './run-record';

/** evaluation.json, an output of evaluate. */
const Evaluation = z.looseObject({
  nll: z
    .looseObject({
      base: z.number(),
      tuned: z.number(),
      difference: z.number(),
      low: z.number(),
      high: z.number(),
      examples: z.number(),
      pages: z.number(),
    })
    .nullable(),
  verdict: z.looseObject({
    decision: z.enum(['pass', 'hold', 'insufficient']),
    rules: z.array(z.looseObject({ rule: z.string(), outcome: z.string(), text: z.string() })),
  }),
  answers: z.array(z.looseObject({ question: z.string(), base: z.string(), tuned: z.string() })).default([]),
});
export type Evaluation = z.infer<typeof Evaluation>;

/** Local paths of what a run made; null where that stage did not run or the store is not on this machine. */
export interface Products {
  dataset: string | null;
  adapter: string | null;
  model: string | null;
  prepared: string | null;
  report: string | null;
  /** What the test holds out whole; few pages are split by section. */
  heldOut: 'page' | 'section';
  evaluation: Evaluation | null;
}

/** Stages of a run; an unchanged one left out what an earlier run of the same training has made. */
const stagesOf = async (store: Store, record: RunRecord): Promise<RunRecord['stages']> => {
  const trained = record.stages.train?.[0]?.key;
  if (record.status !== 'unchanged' || trained === undefined || record.stages.evaluate !== undefined) return record.stages;
  const earlier = (await listRuns(store)).find(({ stages }) => stages.evaluate !== undefined && stages.train?.[0]?.key === trained);
  return { ...earlier?.stages, ...record.stages };
};

/** Finds the products of a run by its record. */
export const productsOf = async (store: Store, record: RunRecord): Promise<Products> => {
  const stages = await stagesOf(store, record);
  const folderOf = async (verb: 'format' | 'train' | 'convert' | 'publish' | 'evaluate'): Promise<string | null> => {
    const ref = stages[verb]?.[0];
    const stage = ref === undefined ? null : await readStage(store, ref);
    return stage?.folder ?? null;
  };
  const local = async (folder: string | null): Promise<string | null> => (folder === null ? null : store.local(folder));
  const evaluate = await folderOf('evaluate');
  const format = stages.format?.[0];
  const splitBy = format === undefined ? undefined : (await readStage(store, format))?.manifest.facts.metrics['splitBy'];
  const evaluation = evaluate === null ? null : await store.read(`${evaluate}/evaluation.json`);
  const report = reportPath(record);
  return {
    dataset: await local(await folderOf('format')),
    adapter: await local(await folderOf('train')),
    model: await local(await folderOf('convert')),
    prepared: await local(await folderOf('publish')),
    report: (await store.stat(report)) === null ? null : await store.local(report),
    heldOut: splitBy === 'section' ? 'section' : 'page',
    evaluation: evaluation === null ? null : Evaluation.parse(JSON.parse(evaluation.toString('utf8'))),
  };
};

const VERDICT = { pass: 'better than the base', hold: 'held', insufficient: 'too few test examples to decide' } as const;

/** Breaks text at words to a width; keeps its own line ends. */
export const wrap = (text: string, width: number, indent: string): string[] =>
  text.split('\n').flatMap((line) => {
    const lines: string[] = [];
    let here = '';
    for (const word of line.split(' ')) {
      if (here !== '' && here.length + 1 + word.length > width) {
        lines.push(indent + here);
        here = word;
      } else here = here === '' ? word : `${here} ${word}`;
    }
    return [...lines, indent + here];
  });

const answersText = (output: Output, evaluation: Evaluation): void => {
  const width = Math.min(output.width, 120) - 4;
  for (const { question, base, tuned } of evaluation.answers) {
    output.line();
    output.line(output.style('bold', `Q  ${question}`));
    for (const [who, answer] of [['base', base] as const, ['tuned', tuned] as const]) {
      output.line(output.style(who === 'tuned' ? 'green' : 'dim', `   ${who}:`));
      for (const line of wrap(answer.trim() === '' ? '(nothing)' : answer.trim(), width, '     ')) output.line(line);
    }
  }
};

/** The closing words of `demo` and `run`. */
export const printSummary = (output: Output, result: PipelineResult, products: Products): void => {
  const count = (verb: keyof PipelineResult['stages'], name: string): string => {
    const value = result.stages[verb]?.counts[name];
    return value === undefined ? '' : grouped(value);
  };
  const facts = [
    ['pages', count('collect', 'pages')],
    ['pairs', count('pair', 'pairs')],
    ['tokens in the dataset', count('format', 'tokens')],
    ['tokens trained on', count('train', 'tokens')],
  ].filter(([, value]) => value !== '');
  output.line();
  output.line(output.style('bold', `${result.runId}: ${result.status}`) + (result.reason === null ? '' : `, ${result.reason}`));
  if (facts.length > 0) output.line(facts.map(([name, value]) => `${value} ${name}`).join('  ·  '));
  const { evaluation } = products;
  if (evaluation !== null) {
    if (evaluation.nll === null) output.line('held-out loss: no example was held out');
    else {
      const { base, tuned, difference, low, high, examples, pages } = evaluation.nll;
      output.line(`held-out loss (NLL a token): base ${base.toFixed(3)}, tuned ${tuned.toFixed(3)}`);
      output.line(
        `difference ${signed(difference)}, 95 % interval ${signed(low)} to ${signed(high)}, over ${examples} examples of ${pages} ${products.heldOut}s it never saw`,
      );
    }
    const { decision } = evaluation.verdict;
    output.line(`verdict: ${output.style(decision === 'pass' ? 'green' : 'yellow', VERDICT[decision])}`);
    for (const rule of evaluation.verdict.rules) if (rule.outcome === 'fail') output.line(`  ✘ ${rule.text}`);
    answersText(output, evaluation);
  }
  const places = Object.entries({
    adapter: products.adapter,
    dataset: products.dataset,
    'merged model': products.model,
    'ready for the Hub': products.prepared,
    report: products.report,
  }).filter((entry): entry is [string, string] => entry[1] !== null);
  if (places.length > 0) output.line();
  for (const [name, path] of places) output.line(`${name.padEnd(18)}${path}`);
  for (const [name, commit] of Object.entries(result.published)) output.line(`${name.padEnd(18)}${commit}`);
};

const signed = (value: number): string => `${value > 0 ? '+' : value < 0 ? '−' : ''}${Math.abs(value).toFixed(3)}`;

/** What the run made, for the result line of --json. */
export const productFields = ({ dataset, adapter, report, evaluation }: Products): Record<string, unknown> => ({
  ...(dataset === null ? {} : { dataset }),
  ...(adapter === null ? {} : { adapter }),
  ...(report === null ? {} : { report }),
  ...(evaluation === null ? {} : { nll: evaluation.nll }),
});
