import { sha256 } from '../../lib/hash';
import { compareRuns } from '../../lib/drift';

async function* rows(pages: Record<string, string>): AsyncGenerator<{ id: string; url: string; bodySha256: string }> {
  for (const [id, body] of Object.entries(pages).sort()) yield { id, url: `https://a/${id}`, bodySha256: sha256(body) };
}
const urls = ({ examples }: { examples: { url: string }[] }): string[] => examples.map(({ url }) => url.slice('https://a/'.length));

test('every page of either run is new, changed, unchanged or gone, and none is two of them', async () => {
  const drift = await compareRuns(rows({ a: '1', b: '1', d: '1', e: '1' }), rows({ b: '1', c: '1', d: '2', f: '1' }), 10);
  expect([urls(drift.new), urls(drift.changed), urls(drift.gone), drift.unchanged]).toEqual([['c', 'f'], ['d'], ['a', 'e'], 1]);
});

test.each([
  ['an empty run before', {}, { a: '1' }, [1, 0, 0, 0]],
  ['an empty run now', { a: '1' }, {}, [0, 0, 1, 0]],
  ['two empty runs', {}, {}, [0, 0, 0, 0]],
  ['the same pages', { a: '1', b: '2' }, { a: '1', b: '2' }, [0, 0, 0, 2]],
])('%s', async (_, before: Record<string, string>, after: Record<string, string>, expected) => {
  const drift = await compareRuns(rows(before), rows(after), 10);
  expect([drift.new.count, drift.changed.count, drift.gone.count, drift.unchanged]).toEqual(expected);
});

test('names a few and counts all', async () => {
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [String(n).padStart(2, '0'), 'x']));
  const { new: fresh } = await compareRuns(rows({}), rows(many), 3);
  expect([fresh.count, urls(fresh)]).toEqual([50, ['00', '01', '02']]);
});

test('a list out of order is an error, not a difference', async () => {
  async function* wrong(): AsyncGenerator<{ id: string; url: string; bodySha256: string }> {
    yield* [
      { id: 'b', url: 'https://a/b', bodySha256: '1' },
      { id: 'a', url: 'https://a/a', bodySha256: '1' },
    ];
  }
  await expect(compareRuns(rows({}), wrong(), 3)).rejects.toThrow('https://a/a is out of order');
});
