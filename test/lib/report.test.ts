import { readLosses, ticks } from '../../lib/chart';
import { report, type ReportData } from '../../lib/report';
import { metricsJsonl, reportData, verdict } from '../support/card-data';

const HOSTILE = `"><script>alert(1)</script><img src=x onerror='alert(2)'>&lt;</style></pre>\`<b>\``;

/** The same data with every text replaced. */
const spoiled = (value: unknown): unknown => {
  if (typeof value === 'string') return HOSTILE;
  if (Array.isArray(value)) return value.map(spoiled);
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, spoiled(field)]));
};

test('at a glance: what was made, is it better, from where', () => {
  const page = report(reportData());
  expect(page).toContain('smollm2-135m-instruct');
  expect(page).toMatch(/Yes <span class="pill good">verdict: pass/);
  expect(page).toContain('3.264 → <strong>2.754</strong>');
  expect(page).toContain('80 pages');
  expect(page).toContain('ready, not published');
});

test('a run whose training failed has made no model, one that is unchanged has', () => {
  const trained = (state: 'done' | 'reused' | 'skipped' | 'not done'): string =>
    report({ ...reportData(), stages: [{ verb: 'train', state, counts: {}, reasons: {} }] });
  for (const state of ['done', 'reused', 'skipped'] as const) expect(trained(state)).toContain('<p class="big">smollm2-135m-instruct</p>');
  expect(trained('not done')).toContain('<p class="big">No model yet</p>');
  expect(trained('not done')).not.toContain('fine-tuned on');
});

test('answers that are not text of a page are counted apart', () => {
  const data = reportData();
  expect(report(data)).toContain('every answer is text of its page');
  const statistics = { ...data.statistics!, kinds: { heading: 200, llm: 30, general: 10 } };
  expect(report({ ...data, statistics })).toContain(
    '30 written by a language model, 10 general data; every other answer is text of its page',
  );
});

test('answers stand side by side, code as code, an empty one says so', () => {
  const page = report(reportData());
  expect(page).toContain('<pre>npm ci</pre>');
  expect(page).toContain('<code>devDependencies</code>');
  expect(page).toContain('<p class="quiet">no answer</p>');
});

test('hostile texts in every field stay text', () => {
  const data = reportData();
  const evil = spoiled(data) as ReportData;
  const outcomes = verdict.rules.map(({ outcome }) => ({ rule: HOSTILE, outcome, text: HOSTILE }));
  const evaluation = { ...evil.evaluation!, verdict: { decision: 'pass' as const, rules: outcomes } };
  const page = report({
    ...evil,
    evaluation,
    status: data.status,
    stages: data.stages.map((stage) => ({ ...stage, reasons: { [HOSTILE]: 3 }, counts: { [HOSTILE]: 2 } })),
  });
  expect(page).not.toMatch(/<script|<img|onerror='|<b>/);
  expect(page.match(/<\/style>/g)).toHaveLength(1);
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
});

test('a page address that is no http link is shown, not linked', () => {
  const page = report({ ...reportData(), sources: [{ url: 'javascript:alert(1)', fetchedAt: null, examples: 1 }], samples: [] });
  expect(page).not.toContain('href="javascript');
  expect(page).toContain('<code>javascript:alert(1)</code>');
});

test('nothing is loaded from elsewhere, and the same data gives the same bytes', () => {
  const page = report(reportData());
  expect(page).not.toMatch(/<script|<link|@import|url\(|src=/);
  expect(report(reportData())).toBe(page);
  expect(page).not.toMatch(/undefined|NaN|\[object/);
});

test('a run that failed early has a page too, without empty headings', () => {
  const page = report({
    ...reportData(),
    status: 'failed',
    reason: 'SourceEmpty: no page came',
    base: null,
    evaluation: null,
    losses: null,
    training: [],
    statistics: null,
    samples: [],
    masks: { rows: [] },
    sources: [],
    places: [],
    provenance: [],
    collection: null,
    stages: [{ verb: 'collect', state: 'done', counts: {}, reasons: { not_found: 3 } }],
    fates: [{ stage: 'collect', of: 'url', reason: 'not_found', count: 3, examples: [] }],
  });
  expect(page).toContain('SourceEmpty: no page came');
  expect([...page.matchAll(/<section><h2>([^<]+)/g)].map((match) => match[1])).toEqual([
    'Stages',
    'Kept out, and why',
    'What to type next',
  ]);
  expect(page).not.toMatch(/undefined|NaN/);
});

test('a verdict that too few examples let through is not called better', () => {
  const data = reportData();
  const rules = verdict.rules.map((rule) => (rule.rule === 'better_than_base' ? { ...rule, outcome: 'shown' as const } : rule));
  const page = report({ ...data, evaluation: { ...data.evaluation!, verdict: { decision: 'pass', rules } } });
  expect(page).toContain('Let through, not proven');
  expect(report({ ...data, evaluation: { ...data.evaluation!, verdict: { decision: 'hold', rules } } })).toContain(
    'No <span class="pill bad">',
  );
});

test('losses are read from the metrics, skipped steps left out', () => {
  const { train, validation } = readLosses(metricsJsonl);
  expect(train).toHaveLength(59);
  expect(validation.map(({ step }) => step)).toEqual([20, 40, 60]);
  expect(report({ ...reportData(), losses: { train: [], validation: [] } })).toContain('No step was recorded.');
});

test('ticks are round numbers inside the range', () => {
  expect(ticks(0, 10)).toEqual([0, 5, 10]);
  expect(ticks(1.93, 3.31)).toEqual([2, 2.5, 3]);
  expect(ticks(0.001, 0.0042)).toEqual([0.001, 0.002, 0.003, 0.004]);
  expect(ticks(5, 5)).toEqual([5]);
});
