// What a split is made of, for `retune preview`: lengths by kind, and of every kind the best and the worst by score.
import type { Example } from '../contracts/records';
import { histogramChart } from './chart';
import { type Markup, markup } from './markup';
import { visible } from './preview';
import { type Bin, histogram, quantile } from './statistics';
import { supervised, type TokenRow } from './token-file';

export interface PreviewRow {
  example: Pick<Example, 'id' | 'kind' | 'messages' | 'url'>;
  tokens: Pick<TokenRow, 'ids' | 'roles'>;
  /** Of its pair, 0 to 1; null when the pairs are gone. */
  score: number | null;
}

export interface PreviewSample {
  id: string;
  score: number | null;
  question: string;
  answer: string;
  url: string;
}

export interface KindPreview {
  kind: string;
  examples: number;
  /** Median tokens. */
  prompt: number;
  response: number;
  responses: Bin[];
  /** By score, then by id: the first and the last; they do not overlap. */
  best: PreviewSample[];
  worst: PreviewSample[];
}

export interface PreviewSummary {
  examples: number;
  /** Examples by tokens that are read, and by tokens that are learnt. */
  prompts: Bin[];
  responses: Bin[];
  /** Most frequent first. */
  kinds: KindPreview[];
}

const sampleOf = ({ example, score }: PreviewRow): PreviewSample => ({
  id: example.id,
  score,
  question: example.messages.find(({ role }) => role === 'user')?.content ?? '',
  answer: example.messages.at(-1)?.content ?? '',
  url: example.url,
});

/** @param most samples of each kind at either end */
export const summarise = (rows: readonly PreviewRow[], most = 2): PreviewSummary => {
  const responseOf = ({ tokens }: PreviewRow): number => supervised(tokens.roles);
  const promptOf = (row: PreviewRow): number => row.tokens.ids.length - responseOf(row);
  const median = (values: readonly number[]): number =>
    quantile(
      [...values].sort((a, b) => a - b),
      0.5,
    );
  const byKind = new Map<string, PreviewRow[]>();
  for (const row of rows) {
    const own = byKind.get(row.example.kind);
    if (own === undefined) byKind.set(row.example.kind, [row]);
    else own.push(row);
  }
  const kinds = [...byKind].map(([kind, own]): KindPreview => {
    const sorted = [...own].sort((a, b) => (b.score ?? 0) - (a.score ?? 0) || (a.example.id < b.example.id ? -1 : 1));
    const best = sorted.slice(0, most);
    return {
      kind,
      examples: own.length,
      prompt: median(own.map(promptOf)),
      response: median(own.map(responseOf)),
      responses: histogram(own.map(responseOf)),
      best: best.map(sampleOf),
      worst: sorted
        .slice(Math.max(best.length, sorted.length - most))
        .map(sampleOf)
        .reverse(),
    };
  });
  return {
    examples: rows.length,
    prompts: histogram(rows.map(promptOf)),
    responses: histogram(rows.map(responseOf)),
    kinds: kinds.sort((a, b) => b.examples - a.examples || (a.kind < b.kind ? -1 : 1)),
  };
};

const BAR = 40;
const histogramText = (bins: readonly Bin[]): string[] => {
  const most = Math.max(1, ...bins.map(({ count }) => count));
  return bins.map(({ from, to, count }) => {
    const bar = '█'.repeat(Math.ceil((BAR * count) / most));
    return `  ${`${from}–${to - 1}`.padStart(11)} ${bar.padEnd(BAR)} ${count}`;
  });
};

const ANSWER_CHARACTERS = 160;
const oneLine = (text: string): string => {
  const line = visible(text.replace(/\s+/g, ' ').trim());
  return line.length > ANSWER_CHARACTERS ? `${line.slice(0, ANSWER_CHARACTERS - 1)}…` : line;
};
const scoreText = (score: number | null): string => (score === null ? '-' : score.toFixed(2));

/** Lines for a terminal. */
export const summaryText = ({ prompts, responses, kinds }: PreviewSummary): string[] => {
  const samples = (title: string, list: readonly PreviewSample[]): string[] =>
    list.flatMap(({ score, question, answer }) => [
      `  ${title} ${scoreText(score)}  ${oneLine(question)}`,
      `              ${oneLine(answer)}`,
    ]);
  return [
    'tokens of a prompt',
    ...histogramText(prompts),
    'tokens of a response',
    ...histogramText(responses),
    ...kinds.flatMap(({ kind, examples, prompt, response, best, worst }) => [
      '',
      `${kind}: ${examples} example${examples === 1 ? '' : 's'}, median ${prompt} tokens asked, ${response} answered`,
      ...samples('best ', best),
      ...samples('worst', worst),
    ]),
  ];
};

const sampleMarkup = (title: string, { score, question, answer }: PreviewSample): Markup =>
  markup`<div class="sample"><p class="quiet">${title}, score ${scoreText(score)}</p><p class="question" dir="auto">${visible(question)}</p><pre dir="auto">${visible(answer)}</pre></div>`;

/** The same for the page of previewHtml. */
export const summaryMarkup = ({ examples, prompts, responses, kinds }: PreviewSummary): Markup => markup`<h1>What is in it</h1>
<p>${examples} example${examples === 1 ? '' : 's'}.</p>
<h2>Tokens of a prompt</h2>${histogramChart(prompts, 'tokens')}
<h2>Tokens of a response</h2>${histogramChart(responses, 'tokens')}
${kinds.map(
  (one) => markup`<h2>${one.kind}</h2>
<p class="quiet">${one.examples} example${one.examples === 1 ? '' : 's'}; median ${one.prompt} tokens asked, ${one.response} answered</p>
${histogramChart(one.responses, 'tokens answered')}
<div class="two"><div>${one.best.map((sample) => sampleMarkup('best', sample))}</div><div>${one.worst.map((sample) => sampleMarkup('worst', sample))}</div></div>`,
)}`;
