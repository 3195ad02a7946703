// The report of a run: one HTML page that stands alone. At a glance: what was made, is it better, from where.
import type { Counts, RunStatus, Verb } from '../contracts/artifacts';
import { STAGES } from '../contracts/stages';
import { histogramChart, intervalChart, type LossCurve, lossChart } from './chart';
import type { Collection } from './collection';
import type { Evaluation } from './evaluate';
import type { Fate } from './fates';
import { countsText, grouped, words } from './wording';
import { Markup, markup, safeHref } from './markup';
import { type BytesOf, maskMarkup } from './preview';
import { driftMarkup, failuresMarkup, spendingMarkup } from './report-collection';
import { fatesMarkup } from './report-fates';
import { REPORT_STYLE } from './report-style';
import type { Statistics } from './statistics';
import type { TokenRow } from './token-file';

export interface ReportStage {
  verb: Verb;
  state: 'done' | 'reused' | 'running' | 'skipped' | 'waiting' | 'not done';
  counts: Counts;
  /** Dropped rows by reason. */
  reasons: Counts;
}

export interface ReportSample {
  instruction: string;
  response: string;
  kind: string;
  url: string;
  anchor: string | null;
  path: readonly string[];
}

/** Everything that the page shows; a part that is null or empty is left out. */
export interface ReportData {
  title: string;
  runId: string;
  status: RunStatus | 'running';
  /** Why it ended so, for a person. */
  reason: string | null;
  /** The run's own date, ISO 8601. */
  date: string;
  /** The base's name, and whether its weights are random (tests). */
  base: { name: string; random: boolean } | null;
  stages: readonly ReportStage[];
  collection: Collection | null;
  /** What was kept out, by stage and reason, with examples. */
  fates: readonly Fate[];
  evaluation: (Pick<Evaluation, 'base' | 'verdict'> & { answers: readonly { question: string; base: string; tuned: string }[] }) | null;
  losses: LossCurve | null;
  /** Engine, parameters, plan and which step's adapter it is. */
  training: readonly { name: string; text: string }[];
  statistics: Statistics | null;
  samples: readonly ReportSample[];
  /** Examples whose mask is shown, and how their ids become bytes when the model is no GPT-OSS. */
  masks: { rows: readonly TokenRow[]; bytesOf?: BytesOf };
  sources: readonly { url: string; fetchedAt: string | null; examples: number }[];
  /** Where things are: a name and a path in the store or a Hub address. */
  places: readonly { name: string; at: string }[];
  provenance: readonly { name: string; digest: string }[];
  /** Commands to type next, each with what it does. */
  next: readonly { command: string; does: string }[];
}

const STATUS: Record<ReportData['status'], [string, string]> = {
  published: ['good', 'published'],
  prepared: ['good', 'ready, not published'],
  unchanged: ['good', 'unchanged'],
  held: ['warn', 'held back'],
  failed: ['bad', 'failed'],
  cancelled: ['warn', 'cancelled'],
  running: ['', 'running'],
};
const plural = (count: number, word: string): string => `${grouped(count)} ${word}${count === 1 ? '' : 's'}`;

/** Text of a model or page: fenced code as code, `code` in a line, the rest as it is. */
const prose = (text: string): Markup[] =>
  text.split(/^```[^\n]*\n([\s\S]*?)(?:^```[ \t]*$|(?![\s\S]))/m).map((part, index) => {
    if (index % 2 === 1) return markup`<pre>${part.replace(/\n$/, '')}</pre>`;
    if (part.trim() === '') return markup``;
    return markup`<p>${part
      .trim()
      .split(/`([^`\n]+)`/)
      .map((piece, at) => (at % 2 === 1 ? markup`<code>${piece}</code>` : piece))}</p>`;
  });

const section = (title: string, body: Markup | null): Markup =>
  body === null ? markup`` : markup`<section><h2>${title}</h2>${body}</section>`;

const link = (url: string, anchor: string | null = null): Markup => {
  const href = safeHref(anchor === null ? url : `${url}#${encodeURIComponent(anchor)}`);
  return href === null ? markup`<code>${url}</code>` : markup`<a href="${href}" rel="noreferrer">${url}</a>`;
};

/** An unchanged run skips a training that stands. */
const isTrained = ({ stages }: ReportData): boolean =>
  stages.some(({ verb, state }) => verb === 'train' && (state === 'done' || state === 'reused' || state === 'skipped'));

const madeCard = (data: ReportData): Markup => {
  const { base, statistics } = data;
  const trained = isTrained(data);
  return markup`<div class="card"><h2>What was made</h2>
<p class="big">${trained && base !== null ? base.name : 'No model yet'}</p>
${statistics === null ? markup`` : markup`<p>${trained ? 'fine-tuned on' : base === null ? 'for training there are' : `for fine-tuning ${base.name} there are`} ${plural(statistics.splits.train.examples, 'example')} (${plural(statistics.splits.train.tokens, 'token')}); ${plural(statistics.splits.test.examples, 'example')} held out</p>`}
${base?.random === true ? markup`<p class="pill warn">random weights: for tests, nothing it writes makes sense</p>` : markup``}</div>`;
};

const DECISION = { pass: ['good', 'Yes'], hold: ['bad', 'No'], insufficient: ['warn', 'Too little to tell'] } as const;

const betterCard = ({ evaluation }: ReportData): Markup => {
  if (evaluation === null) return markup`<div class="card"><h2>Is it better?</h2><p class="big">Not measured</p></div>`;
  const { base, verdict } = evaluation;
  const undecided = verdict.rules.some(({ rule, outcome }) => rule === 'better_than_base' && outcome !== 'pass');
  const [tone, answer] =
    verdict.decision === 'pass' && undecided ? (['warn', 'Let through, not proven'] as const) : DECISION[verdict.decision];
  return markup`<div class="card"><h2>Is it better?</h2><p class="big">${answer} <span class="pill ${tone}">verdict: ${verdict.decision}</span></p>
${base === null ? markup`<p>Nothing was held out.</p>` : markup`<p>loss on held-out answers ${base.nll.reference.toFixed(3)} → <strong>${base.nll.tuned.toFixed(3)}</strong> nats a token, better on ${(100 * base.winRate).toFixed(0)} % of ${plural(base.examples, 'example')}</p>${intervalChart(base.difference, base.interval)}`}</div>`;
};

const fromCard = ({ statistics, sources }: ReportData): Markup => {
  const pages = statistics?.pages ?? sources.length;
  const hosts = Object.keys(statistics?.hosts ?? {});
  return markup`<div class="card"><h2>From where</h2><p class="big">${plural(pages, 'page')}</p>
<p>${hosts.slice(0, 4).join(', ')}${hosts.length > 4 ? ` and ${hosts.length - 4} more hosts` : ''}</p>
${statistics === null ? markup`` : markup`<p class="quiet">${plural(statistics.examples, 'pair')}, ${grouped(statistics.withCode)} with code; ${originOf(statistics)}</p>`}</div>`;
};

/** Where the answers come from, which is not always the page alone. */
const originOf = ({ kinds }: Statistics): string => {
  const others = [
    [kinds['llm'] ?? 0, 'written by a language model'],
    [kinds['general'] ?? 0, 'general data'],
  ] as const;
  const told = others.flatMap(([count, what]) => (count === 0 ? [] : [`${grouped(count)} ${what}`]));
  return told.length === 0 ? 'every answer is text of its page' : `${told.join(', ')}; every other answer is text of its page`;
};

const answers = ({ evaluation }: ReportData): Markup | null =>
  evaluation === null || evaluation.answers.length === 0
    ? null
    : markup`${evaluation.answers.map(
        ({ question, base, tuned }) => markup`<p class="question">${question}</p><div class="two">
<div class="answer"><h4>base</h4>${base.trim() === '' ? markup`<p class="quiet">no answer</p>` : prose(base)}</div>
<div class="answer tuned"><h4>tuned</h4>${tuned.trim() === '' ? markup`<p class="quiet">no answer</p>` : prose(tuned)}</div></div>`,
      )}`;

const verdict = ({ evaluation }: ReportData): Markup | null => {
  if (evaluation === null) return null;
  const kinds = Object.entries(evaluation.base?.byKind ?? {});
  return markup`<div class="scroll"><table><thead><tr><th>rule</th><th></th><th>measured</th></tr></thead>${evaluation.verdict.rules.map(
    ({ rule, outcome, text }) =>
      markup`<tr><td>${words(rule)}</td><td><span class="pill ${outcome}">${words(outcome)}</span></td><td>${text}</td></tr>`,
  )}</table></div>
${kinds.length === 0 ? markup`` : markup`<p class="quiet">By kind of pair: ${kinds.map(([kind, { examples, difference }]) => `${kind} ${difference < 0 ? '−' : '+'}${Math.abs(difference).toFixed(3)} (${examples})`).join(', ')}.</p>`}`;
};

const total = (counts: Counts): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

const stages = ({ stages: rows }: ReportData): Markup =>
  markup`<div class="scroll"><table><thead><tr><th>stage</th><th></th><th>what came out</th><th class="n">dropped</th></tr></thead>${rows.map(
    ({ verb, state, counts, reasons }) =>
      markup`<tr><td><strong>${verb}</strong><br><span class="quiet">${STAGES[verb].summary}</span></td><td><span class="pill ${state === 'done' ? 'good' : ''}">${state}</span></td><td>${countsText(counts)}</td><td class="n">${total(reasons) === 0 ? '' : grouped(total(reasons))}</td></tr>`,
  )}</table></div>`;

const dataset = ({ statistics }: ReportData): Markup | null => {
  if (statistics === null) return null;
  const { contamination, splits, histograms, splitBy } = statistics;
  return markup`<div class="scroll"><table><thead><tr><th>split</th><th class="n">examples</th><th class="n">pages</th><th class="n">tokens</th><th class="n">supervised</th><th class="n">longest</th></tr></thead>${Object.entries(
    splits,
  ).map(
    ([name, one]) =>
      markup`<tr><td>${name}</td>${[one.examples, one.pages, one.tokens, one.supervisedTokens, one.maxTokens].map((count) => markup`<td class="n">${grouped(count)}</td>`)}</tr>`,
  )}</table></div>
<p class="quiet">Held out by ${splitBy}. ${grouped(contamination.dropped)} held-out answers shared 50 tokens with training and were dropped; ${grouped(contamination.remaining)} remain.</p>
<h3>Length of examples</h3>${histogramChart(histograms.tokens, 'tokens')}`;
};

const samples = ({ samples: rows }: ReportData): Markup | null =>
  rows.length === 0
    ? null
    : markup`${rows.map(
        ({ instruction, response, kind, url, anchor, path }) =>
          markup`<div class="sample"><p class="question">${instruction}</p>${prose(response)}<p class="quiet">${kind} · ${path.join(' › ')}${path.length === 0 ? '' : ' · '}${link(url, anchor)}</p></div>`,
      )}`;

const masks = ({ masks: { rows, bytesOf } }: ReportData): Markup | null =>
  rows.length === 0
    ? null
    : markup`<p>What the model reads is <span class="r0">grey</span>; what it learns to write is <span class="r1">format</span> and <span class="r2">answer</span>.</p>${rows.map((row) => maskMarkup(row, bytesOf))}`;

const SHOWN_SOURCES = 12;

const sources = ({ sources: rows }: ReportData): Markup | null => {
  if (rows.length === 0) return null;
  const list = (part: ReportData['sources']): Markup =>
    markup`<div class="scroll"><table>${part.map(({ url, fetchedAt, examples }) => markup`<tr><td>${link(url)}</td><td class="n">${plural(examples, 'example')}</td><td class="n">${fetchedAt}</td></tr>`)}</table></div>`;
  return markup`${list(rows.slice(0, SHOWN_SOURCES))}${rows.length > SHOWN_SOURCES ? markup`<details><summary>and ${plural(rows.length - SHOWN_SOURCES, 'page')} more</summary>${list(rows.slice(SHOWN_SOURCES))}</details>` : markup``}`;
};

const named = (rows: readonly { name: string; text: string }[]): Markup | null =>
  rows.length === 0
    ? null
    : markup`<div class="scroll"><table>${rows.map(({ name, text }) => markup`<tr><td>${name}</td><td><code>${text}</code></td></tr>`)}</table></div>`;

const losses = ({ losses: curve }: ReportData): Markup | null =>
  curve === null
    ? null
    : markup`${lossChart(curve)}<p class="quiet">Loss in nats a supervised token, by optimiser step; faint: each step, strong: moving average${curve.validation.length === 0 ? '' : ', rings: validation'}.</p>`;

const training = (data: ReportData): Markup | null => {
  const parts = [losses(data), named(data.training)].filter((part) => part !== null);
  return parts.length === 0 ? null : markup`${parts}`;
};

/** The whole page; the same data gives the same bytes. */
export const report = (data: ReportData): string => {
  const [tone, status] = STATUS[data.status];
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${data.title} · ${status}</title>
<style>${new Markup(REPORT_STYLE)}</style>
</head>
<body><main>
<h1>${data.title} <span class="pill ${tone}">${status}</span></h1>
${data.reason === null ? null : markup`<p class="lead">${data.reason}</p>`}
<p class="quiet">run <code>${data.runId}</code>, ${data.date}</p>
<div class="cards">${[madeCard(data), betterCard(data), fromCard(data)]}</div>
${[
  section('Before and after', answers(data)),
  section('Verdict', verdict(data)),
  section('Training', training(data)),
  section('Stages', stages(data)),
  section('What changed', driftMarkup(data.collection)),
  section('What it cost', spendingMarkup(data.collection)),
  section('URLs without a page', failuresMarkup(data.collection)),
  section('Kept out, and why', fatesMarkup(data.fates)),
  section('The dataset', dataset(data)),
  section('Samples', samples(data)),
  section('What is trained on', masks(data)),
  section('Sources', sources(data)),
  section('Where things are', named(data.places.map(({ name, at }) => ({ name, text: at })))),
  section('Provenance', named(data.provenance.map(({ name, digest }) => ({ name, text: digest })))),
  section(
    'What to type next',
    data.next.length === 0
      ? null
      : markup`<div class="scroll"><table>${data.next.map(({ command, does }) => markup`<tr><td><code>${command}</code></td><td>${does}</td></tr>`)}</table></div>`,
  ),
]}
<footer>Made by retune. This page stands alone: no script, nothing loaded from elsewhere.</footer>
</main></body>
</html>
`.html;
};
