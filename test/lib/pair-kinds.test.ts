// Each kind of pair, from the markup that pages write it in, and each filter with its reason.
import type { Pair } from '../../contracts/records';
import { flaw } from '../../lib/score';
import { LONG, made } from '../support/paired';

const only = (html: string): Pick<Pair, 'kind' | 'instruction' | 'response'> => {
  const { pairs } = made(`<title>Box Guide</title><h1>Box Guide</h1>${html}`);
  expect(pairs).toHaveLength(1);
  return pairs[0]!;
};
const matching = (pattern: RegExp): string => expect.stringMatching(pattern) as string;

test('a heading path asks for the section under it', () => {
  expect(only(`<h2>Lids</h2><h3>Old lids of the box</h3><p>${LONG}</p>`)).toMatchObject({
    kind: 'heading',
    instruction: matching(/old lids of the box/),
    response: LONG,
  });
});

test('a heading that asks is a question of an FAQ', () => {
  expect(only(`<h2>Why does the lid not close?</h2><p>${LONG}</p>`)).toMatchObject({
    kind: 'faq',
    instruction: matching(/^Why does the lid not close/),
    response: LONG,
  });
});

test('a term that asks is one too', () => {
  expect(only(`<dl><dt>Why does the lid not close?</dt><dd>${LONG}</dd></dl>`)).toMatchObject({ kind: 'faq', response: LONG });
});

test('a signature asks for its description', () => {
  expect(only(`<dl><dt class="sig" id="box.open">box.open(path)</dt><dd>${LONG}</dd></dl>`)).toMatchObject({
    kind: 'signature',
    instruction: matching(/`box\.open\((?:path)?\)`/),
    response: matching(/answer\.$/),
  });
});

test('a glossary asks what its terms mean', () => {
  const { pairs } = made(`<title>Glossary</title><h1>Glossary</h1><dl><dt>lid</dt><dd>${LONG}</dd></dl>`);
  expect(pairs).toMatchObject([{ kind: 'definition', instruction: matching(/"lid"/), response: LONG }]);
});

test('an option asks what it does', () => {
  expect(only(`<dl><dt>-q, --quiet</dt><dd>${LONG}</dd></dl>`)).toMatchObject({
    kind: 'option',
    instruction: matching(/`--quiet`/),
    response: LONG,
  });
});

test('the sentence before code asks how it is done', () => {
  const { pairs } = made(
    `<title>Box Guide</title><h1>Box Guide</h1><h2>Lids</h2><p>${LONG} To close the lid of a box, run:</p><pre>box close --lid</pre>`,
  );
  expect(pairs.find(({ kind }) => kind === 'code')).toMatchObject({
    instruction: matching(/^How do I close the lid of a box/),
    response: matching(/```\nbox close --lid\n```$/),
  });
});

describe('a row of a table', () => {
  const table = (column: string, term: string): string =>
    `<table><tr><th>${column}</th><th>Default</th><th>Description</th></tr>
      <tr><td>${term}</td><td>12</td><td>How many things the box holds at most, counted with its lid.</td></tr></table>`;
  const rows = (html: string): Pair[] =>
    made(`<title>Box Guide</title><h1>Box Guide</h1>${html}`).pairs.filter(({ kind }) => kind === 'option');

  test('of options asks what the option does, and the other columns follow its meaning', () => {
    expect(rows(`<h2>Limits of boxes</h2>${table('Option', '--most')}`)).toMatchObject([
      {
        instruction: matching(/`--most`/),
        response: 'How many things the box holds at most, counted with its lid.\n\n- Default: 12',
      },
    ]);
  });

  test('names what its heading says that the option is of', () => {
    expect(rows(`<h2>box.Lid</h2><h3>Options</h3>${table('Option', 'most')}`)[0]?.instruction).toMatch(/the `most` option of box\.Lid/);
  });

  test('that only numbers its rows asks nothing', () => {
    expect(rows(`<h2>Limits of boxes</h2>${table('Parameter', '3')}`)).toEqual([]);
  });
});

describe('a pair is dropped', () => {
  const instruction = 'What does the lid of the box do?';
  test.each([
    ['too_short', 'It shuts.'],
    ['unbalanced_code', `${LONG} It is called \`lid and nothing more.`],
    ['navigation', '- First page\n- Second page\n- Third page of it\n- Fourth page of it'],
    ['dangling_reference', `However, it is shut. ${LONG}`],
    ['question_answer_overlap', 'The lid of the box does what the lid of the box will do.'],
    ['repetition', 'the same words again and again. '.repeat(8)],
  ])('for %s', (reason, response) => {
    expect(flaw({ kind: 'heading', instruction, response, anchor: null }, 30)).toBe(reason);
  });

  test('where another page gives the same answer', () => {
    const html = `<title>Box Guide</title><h1>Box Guide</h1><h2>Old lids</h2><p>${LONG}</p><h2>New lids</h2><p>${LONG}</p>`;
    expect(made(html).counts).toMatchObject({ kept: 1, duplicate_response: 1 });
  });
});
