import { withoutNumberedReferences } from '../../lib/numbered-references';
import { isWhole, sentences } from '../../lib/sentences';

describe('references to numbered parts of a manual', () => {
  test.each([
    ['Locks the table. See Section 13.3 for details.', 'Locks the table.'],
    ['Databases will not be removed.\n\nSee Section 22.4 for more discussion.', 'Databases will not be removed.'],
    ['Casts each element. For more on casting, see Section 4.2.9.', 'Casts each element.'],
    ['The name may be left out. (See also Chapter 7.)', 'The name may be left out.'],
    ['Refer to table 9-2. It is slow.', 'It is slow.'],
    ['It is parsed first.\n\nTable 36.5 contains a few examples for input strings.', 'It is parsed first.'],
    ['Formats it. More details are in Appendix B.', 'Formats it.'],
  ])('%j loses the sentence that only sends its reader on', (given, kept) => {
    expect(withoutNumberedReferences(given)).toBe(kept);
  });

  test.each([
    'The rules of Section 4.2 hold here too.',
    'See section 10 of RFC 2616 for all codes.',
    'See the `pg_class` catalog for details.',
    'See section headings of the manual.',
    'For more than one table 2 passes are made.',
    '```\nSee Section 22.4 for more.\n```',
    '- See Section 22.4 for more.',
    'Each has its own syntax. Table 9.5 shows them.\n\nTable 9.5. Operators\n\n| a | b |\n| --- | --- |\n| 1 | 2 |',
  ])('%j stays: it says something, names its target, or is no paragraph', (given) => {
    expect(withoutNumberedReferences(given)).toBe(given);
  });

  test('an answer of nothing else is empty', () => {
    expect(withoutNumberedReferences('See Section 22.4 for more discussion.')).toBe('');
  });

  test('the number of a table is not the end of a sentence, and its caption is no sentence', () => {
    expect(sentences('Table 53.55. `pg_class` Columns')).toEqual(['Table 53.55. `pg_class` Columns']);
    expect(isWhole('Table 53.55.')).toBe(false);
    expect(sentences('It stands in Table 5. The next one does not.')).toHaveLength(2);
  });
});
