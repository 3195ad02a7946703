// Headings that were asked for and should not have been.
import { pair } from '../../lib/pair';
import { asked, LONG, OPTIONS, sectionsOf } from '../support/paired';

describe('a heading asks nothing', () => {
  test.each([
    ['where it is two things with a dash between', 'Old lids - what they are', ''],
    ['where it is a sentence', 'Lid counters may report old lids', ''],
    ['where it tells what something ensures', 'Ensures independent lids', ''],
    ['where it is in letters that English has not', '通用基数树', ''],
    ['where it is the address of a maker', 'Lids www.lids.example Ltd', ''],
    ['where it asks without a verb', 'Why a new lid?', ''],
    ['where it asks about it', 'How to use it?', ''],
    ['where it is one verb', 'Verify', 'To verify it, we verify it, you can verify it.'],
  ])('%s', (_, heading, text) => {
    expect(asked(`<h1>What is boxfb?</h1><h2>${heading}</h2><p>${text} ${LONG}</p>`)).toEqual([]);
  });

  test('where it shouts a word that other pages write', () => {
    const shouted = sectionsOf(`<h1>Boxes</h1><h2>FUNCTION</h2><p>${LONG}</p>`);
    const quiet = sectionsOf(`<h1>Lids</h1><p>A function is one. ${LONG} It is.</p>`, 'http://site.test/lids');
    expect(pair([...shouted, ...quiet], OPTIONS).pairs.filter(({ instruction }) => /function/i.test(instruction))).toEqual([]);
  });

  test.each(['Credits', 'TODO list'])('on the page "%s"', (title) => {
    expect(asked(`<h1>${title}</h1><h2>Lid Pooling</h2><p>${LONG}</p>`)).toEqual([]);
  });
});
