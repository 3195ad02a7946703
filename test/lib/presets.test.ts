import { PipelineInput } from '../../contracts/input';
import { checkRaw, completeInput, isEmptyInput, problemText } from '../../lib/presets';

const preset = (content: unknown): { name: string; content: unknown } => ({ name: 'docs', content });

it('has a default for every field but the pages', () => {
  expect(PipelineInput.parse({})).toMatchObject({ train: { lora: { r: 8 }, lr: 2e-4, batch: { examples: 8 } }, gate: { minExamples: 20 } });
});

it('lets a given field beat the preset, and the preset beat the default', () => {
  const done = completeInput({ preset: 'docs', train: { steps: 10 } }, preset({ train: { lr: 1e-3, steps: 99, lora: { r: 4 } } }));
  expect(done).toMatchObject({ input: { train: { lr: 1e-3, steps: 10, lora: { r: 4, alpha: 16 } } } });
});

it('replaces arrays as a whole, and takes null as back to the default', () => {
  const done = completeInput(
    { evaluate: { questions: ['b'] }, train: { lr: null } },
    preset({ evaluate: { questions: ['a', 'c'] }, train: { lr: 1 } }),
  );
  expect(done).toMatchObject({ input: { evaluate: { questions: ['b'] }, train: { lr: 2e-4 } } });
});

it('names every bad field and where it came from', () => {
  const done = completeInput({ train: { stepps: 3, lr: 'fast' } }, preset({ train: { epocs: 1 } }));
  if (!('problems' in done)) throw new Error('accepted');
  const text = problemText(done.problems);
  expect(text).toContain('train.stepps (in the input)');
  expect(text).toContain('train.lr (in the input)');
  expect(text).toContain('train.epocs (in preset docs)');
});

it.each([
  [{ source: { urls: ['ftp://example.org/'] } }, 'source.urls.0'],
  [
    { source: { include: ['/docs/**', '*.html', 'https://x/*', 'http*://x/**', 'files:///a/*'], exclude: ['/a', 'blog/**'] } },
    'source.exclude.1',
  ],
  [{ source: { include: ['example.org/**'] } }, 'source.include.0'],
  [{ source: { include: [''] } }, 'source.include.0'],
  [{ source: { userAgent: 'retune – docs' } }, 'source.userAgent'],
  [{ source: { userAgent: 'retune\r\nCookie: a=b' } }, 'source.userAgent'],
  [{ publish: { model: 'no-namespace' } }, 'publish.model'],
  [{ name: 'Not A Name' }, 'name'],
  [{ format: { date: '2026-13-01' } }, 'format.date'],
  ['text', 'input'],
  [[1], 'input'],
])('refuses %j and names %s', (raw, field) => {
  expect(checkRaw(raw, 'the input').map((problem) => problem.field)).toEqual([field]);
});

it.each([[undefined], [null], [{}]])('takes %p as nothing said', (raw) => {
  expect(isEmptyInput(raw)).toBe(true);
});
