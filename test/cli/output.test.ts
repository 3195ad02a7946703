// What a person and a program read of a run.
import { PassThrough } from 'node:stream';
import { exitCode } from '../../cli/exit';
import { createOutput, duration } from '../../cli/output';
import { beatText, stageLine } from '../../cli/stage-table';
import { type Evaluation, printSummary, wrap } from '../../cli/summary';
import type { PipelineResult } from '../../contracts/artifacts';
import { countsText, grouped, words } from '../../lib/wording';

const capture = (json: boolean, tty = false): { output: ReturnType<typeof createOutput>; text: () => string } => {
  const stream = Object.assign(new PassThrough(), { isTTY: tty, columns: 80 });
  return { output: createOutput(json, stream as never, stream as never), text: () => String(stream.read() ?? '') };
};

test('with --json only objects are written, without it only text', () => {
  const machine = capture(true);
  machine.output.line('for people');
  machine.output.redraw(['for people']);
  machine.output.event({ type: 'x' });
  expect(machine.text()).toBe('{"type":"x"}\n');
  const person = capture(false);
  person.output.line('for people');
  person.output.event({ type: 'x' });
  expect(person.text()).toBe('for people\n');
});

test('a pipe gets no colours and no redrawing; a line after a drawn table replaces it', () => {
  const pipe = capture(false);
  pipe.output.redraw(['a']);
  pipe.output.line(pipe.output.style('red', 'plain'));
  expect(pipe.text()).toBe('plain\n');
  const terminal = capture(false, true);
  terminal.output.redraw(['a', 'b']);
  terminal.output.redraw(['c']);
  expect(terminal.text()).toBe('a\nb\n\x1b[2A\x1b[Jc\n');
});

test.each([
  ['published', 0],
  ['prepared', 0],
  ['unchanged', 0],
  ['failed', 1],
  ['held', 3],
  ['cancelled', 130],
] as const)('%s ends with %d', (status, code) => {
  expect(exitCode(status)).toBe(code);
});

test('times and numbers read the same on every machine', () => {
  expect([duration(4_210), duration(185_000), duration(7_800_000)]).toEqual(['4.2 s', '3 min 05 s', '2 h 10 min']);
  expect([grouped(7), grouped(1234), grouped(1234567)]).toEqual(['7', '1,234', '1,234,567']);
  expect([words('near_duplicate'), words('goneOnce')]).toEqual(['near duplicate', 'gone once']);
  expect(countsText({ urls: 1234, dropped: 0, gone_once: 2 })).toBe('1,234 urls, 2 gone once');
  expect(countsText({ pages: 0, dropped: 0 })).toBe('0 pages');
});

test('a heartbeat becomes one phrase', () => {
  expect(beatText({ step: 12, steps: 48, loss: 1.9234, etaSeconds: 80 })).toBe('████░░░░░░░░░░░░ step 12/48  loss 1.923  1 min 20 s left');
  expect(beatText({ step: 1, steps: 2, loss: 1, tokensPerSecond: 30123.4, memoryBytes: 2 ** 31 })).toContain('30,123 tok/s  2.0 GiB');
  expect(beatText({ text: 'score', done: 3, total: 6 })).toContain('3/6  score');
  expect(beatText({ documents: 1200, dropped: 3 })).toBe('1,200 documents, 3 dropped');
});

test('a line of the table fits its terminal, and is whole in a pipe', () => {
  const row = {
    verb: 'collect',
    state: 'done',
    text: '',
    counts: Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`count_${at}`, at])),
  } as const;
  const line = { row, beat: undefined, elapsedMs: 1_000 };
  expect(stageLine(line, capture(false, true).output).length).toBeLessThanOrEqual(80);
  expect(stageLine(line, capture(false).output)).toContain('29 count 29');
});

const result: PipelineResult = {
  runId: 'npm-manual-1a2b3c4d',
  executionId: 'e',
  status: 'prepared',
  reason: 'no HF_TOKEN',
  verdict: null,
  stages: {
    collect: { key: 'k', counts: { pages: 91 }, reasons: {}, reused: false },
    pair: { key: 'k', counts: { pairs: 1034 }, reasons: {}, reused: false },
  },
  store: 'file:///store',
  published: {},
};
const evaluation: Evaluation = {
  nll: { base: 2.5, tuned: 1.75, difference: -0.75, low: -0.8, high: -0.7, examples: 60, pages: 14 },
  verdict: { decision: 'pass', rules: [] },
  answers: [{ question: 'What does npm ci do?', base: 'It is a command.', tuned: 'It installs exactly the lock file.' }],
};

test('the summary tells what was made, whether it is better, and where it is', () => {
  const { output, text } = capture(false);
  printSummary(output, result, { dataset: '/d', adapter: '/a', model: null, prepared: null, report: '/r', heldOut: 'page', evaluation });
  const said = text();
  for (const part of [
    'npm-manual-1a2b3c4d: prepared, no HF_TOKEN',
    '91 pages',
    '1,034 pairs',
    'base 2.500, tuned 1.750',
    '−0.750, 95 % interval −0.800 to −0.700',
    '60 examples of 14 pages',
    'better than the base',
    'What does npm ci do?',
    'It installs exactly the lock file.',
    '/a',
    '/d',
    '/r',
  ])
    expect(said).toContain(part);
  expect(said).not.toContain('merged model');
});

test('long answers are broken at words and keep their own lines', () => {
  expect(wrap('one two three\nfour', 8, '  ')).toEqual(['  one two', '  three', '  four']);
});
