import { Manifest } from '../../contracts/artifacts';
import { sha256 } from '../../lib/hash';
import { sealManifest } from '../../lib/manifest';

const output = (name: string) => ({ name, sha256: sha256(name), bytes: name.length, rows: null });
const parts = (names: string[], finishedAt: string): Pick<Manifest, 'content' | 'facts'> => ({
  content: { schema: 1, stage: 'clean', version: 1, outputs: names.map(output) },
  facts: {
    key: sha256('key'),
    fence: 1,
    inputs: {},
    config: { minWords: 10 },
    counts: { pages: 2 },
    reasons: {},
    metrics: { share: 0.5 },
    startedAt: '2026-11-24T00:00:00.000Z',
    finishedAt,
    host: 'a',
    versions: {},
    sidecars: [output('z.jsonl'), output('y.jsonl')],
  },
});

test('the digest covers what was made, not when, where or in which order', () => {
  const one = sealManifest(parts(['b', 'a'], '2026-11-24T00:00:01.000Z'));
  const two = sealManifest(parts(['a', 'b'], '2026-11-25T00:00:01.000Z'));
  expect(two.outputDigest).toBe(one.outputDigest);
  expect(one.content.outputs.map(({ name }) => name)).toEqual(['a', 'b']);
  expect(one.facts.sidecars.map(({ name }) => name)).toEqual(['y.jsonl', 'z.jsonl']);
  expect(Manifest.parse(one)).toEqual(one);
  expect(sealManifest(parts(['a', 'c'], '2026-11-24T00:00:01.000Z')).outputDigest).not.toBe(one.outputDigest);
  expect(one.outputDigest).toBe('15cd3690026f7309c5868d1fd1c93936fbdaf18d25ec88ee37cd8c70cd4c3958');
});
