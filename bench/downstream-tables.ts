// Tables of the downstream benchmark, in Markdown.
import { sha256 } from '../lib/hash';
import { bootstrap } from '../lib/stats';
import type { HumanQuestion } from './human-questions';
import type { Pools } from './processings';

/** A line of the trainer's nll.jsonl. */
export interface Loss {
  example: string;
  model: string;
  contentNats: number;
  contentTokens: number;
}

/** A line of the trainer's answers.jsonl. */
export interface Answer {
  id: string;
  model: string;
  text: string;
}

/** A training as runs.json lists it: `arm` is what was trained on, `model` its name in the trainer's files, one for each seed. */
export interface Trained {
  arm: string;
  model: string;
  folder: string;
  examples: number;
  tokens: number;
}

const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |\n`).join('');

/** What each processing made of the same pages. */
export const pairTable = ({ quality, rows }: Pools): string => {
  const shown = (name: string, value: number): string =>
    name === 'pairs' || name.includes('mean') ? value.toFixed(0) : `${(100 * value).toFixed(1)} %`;
  const kinds = new Map<string, number>();
  for (const { kind } of rows.ours) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  return `${table(
    ['measure', 'tutorial', 'retune'],
    Object.entries(quality.ours).map(([name, value]) => [name, shown(name, quality.tutorial[name] ?? 0), shown(name, value)]),
  )}
To draw from, without the rows held out and those that share 8 words in a row with a human answer: ${rows.tutorial.length} of the tutorial, ${rows.ours.length} of retune (${[
    ...kinds,
  ]
    .sort(([, a], [, b]) => b - a)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ')}).
`;
};

/** NLL per byte of the human answers by arm, each the mean over its seeds, and paired differences with 95 % intervals over the questions. */
export const lossTable = (losses: readonly Loss[], trained: readonly Trained[], questions: readonly HumanQuestion[]): string => {
  const bytes = new Map(questions.map(({ id, answer }) => [sha256(id), Buffer.byteLength(answer)]));
  const perByte = new Map<string, Map<string, number>>();
  const perByteOf = ({ example, contentNats }: Loss): number => contentNats / (bytes.get(example) ?? NaN);
  const arms = new Map<string, Trained[]>();
  for (const run of trained) arms.set(run.arm, [...(arms.get(run.arm) ?? []), run]);
  const armOf = new Map(trained.map(({ model, arm }) => [model, arm]));
  for (const loss of losses) {
    const arm = armOf.get(loss.model) ?? loss.model;
    const own = perByte.get(arm) ?? new Map<string, number>();
    own.set(loss.example, (own.get(loss.example) ?? 0) + perByteOf(loss) / (arms.get(arm)?.length ?? 1));
    perByte.set(arm, own);
  }
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const difference = (model: string, reference: string): string => {
    const [own, other] = [perByte.get(model)!, perByte.get(reference)!];
    const values = [...own].map(([example, value]) => ({ group: example, value: value - other.get(example)! }));
    const { low, high } = bootstrap(values);
    return `${mean(values.map(({ value }) => value)).toFixed(4)} (${low.toFixed(4)} to ${high.toFixed(4)})`;
  };
  const references = ['base', 'tutorial', 'tutorial, equal tokens'].filter((name) => perByte.has(name));
  return table(
    ['model', 'examples', 'supervised tokens', 'NLL a byte', 'by seed', ...references.map((name) => `minus ${name}`)],
    ['base', ...arms.keys()].map((name) => {
      const runs = arms.get(name) ?? [];
      return [
        name,
        [...new Set(runs.map(({ examples }) => examples))].join(', '),
        runs.length === 0 ? '' : mean(runs.map(({ tokens }) => tokens)).toFixed(0),
        mean([...perByte.get(name)!.values()]).toFixed(4),
        runs.map(({ model }) => mean(losses.flatMap((loss) => (loss.model === model ? [perByteOf(loss)] : []))).toFixed(4)).join(', '),
        ...references.map((reference) => (reference === name ? '' : difference(name, reference))),
      ];
    }),
  );
};

const quoted = (text: string): string =>
  text
    .trim()
    .split('\n')
    .map((line) => `> ${line}`)
    .join('\n');

/** The same question to each model, their answers whole. */
export const answersTable = (answers: readonly Answer[], questions: readonly HumanQuestion[]): string =>
  [...new Set(answers.map(({ id }) => id))]
    .map((id) => {
      const own = answers.filter((answer) => answer.id === id && ['base', 'tutorial', 'ours'].includes(answer.model));
      const question = questions.find((each) => each.id === id)?.question ?? id;
      return `### ${question}\n\n${own.map(({ model, text }) => `**${model}**\n\n${quoted(text)}\n`).join('\n')}`;
    })
    .join('\n');
