import { PairTable } from '../../lib/pair-table';
import { MemorySpill } from '../../lib/spill';
import { pair } from '../support/example-builder';

/** Pairs that stay of so many of each kind, by kind. */
const stay = (counts: Partial<Record<'heading' | 'code' | 'faq', number>>, maxKindShare: number): Record<string, number> => {
  const table = new PairTable(new MemorySpill());
  for (const [kind, count] of Object.entries(counts))
    for (let number = 0; number < count; number++) {
      const made = pair({
        page: `http://s.test/${kind}${number}`,
        instruction: `What is ${kind} ${number}?`,
        response: `${kind} ${number} is.`,
      });
      table.add({ pair: { ...made, kind: kind as 'heading' } });
    }
  const size = table.settle({ maxPerPage: 60, maxKindShare });
  expect([...table.lines()]).toHaveLength(size);
  expect(size + (table.reasons['quota_kind'] ?? 0)).toBe(Object.values(counts).reduce((sum, count) => sum + count, 0));
  return table.kinds;
};

test.each([
  [{ heading: 30, code: 15 }, 0.5, { heading: 15, code: 15 }],
  [{ heading: 30, code: 20, faq: 10 }, 0.4, { heading: 20, code: 20, faq: 10 }],
  [{ heading: 90, code: 5, faq: 5 }, 0.5, { heading: 10, code: 5, faq: 5 }],
  [{ heading: 30, code: 15 }, 2 / 3, { heading: 30, code: 15 }],
  [{ heading: 10, code: 90 }, 0.1, { heading: 10, code: 10 }],
  [{ heading: 7 }, 0.5, { heading: 7 }],
  [{ heading: 30, code: 15 }, 1, { heading: 30, code: 15 }],
  [{}, 0.5, {}],
])('no kind is more of what stays than its share: %j at most %d leaves %j', (counts, share, expected) => {
  expect(stay(counts, share)).toEqual(expected);
});
