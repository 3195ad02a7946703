// A shard is cleaned page by page: what its documents need does not stay in memory until the last of them.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openPreparing, type Preparing } from '../support/preparing';

const MB = 1024 * 1024;
const PAGES = 150;
const [FIRST, LAST] = [30, PAGES];
const text = (page: number): string => Array.from({ length: 20_000 }, (_, at) => `word${(page * 7919 + at) % 65_536}`).join(' ');

let run: Preparing;
afterEach(async () => run.close());

test('the documents of a shard are not all alive when its last page is read', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const alive = (): number => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  run = await openPreparing(
    Object.fromEntries(
      Array.from({ length: PAGES }, (_, page) => [`http://docs.test/p${page}`, `<h1>Page ${page}</h1><p>${text(page)}</p>`]),
    ),
  );
  const { store } = run;
  const read = store.read.bind(store);
  const looks: number[] = [];
  let bodies = 0;
  store.read = async (path) => {
    if (path.startsWith('bodies/') && [FIRST, LAST].includes(++bodies)) looks.push(alive());
    return read(path);
  };
  const ref = await run.clean();
  expect(ref.counts).toMatchObject({ documents: PAGES, dropped: 0 });
  const ids = (await run.rows<{ id: string }>(ref, 'documents.jsonl')).map(({ id }) => id);
  expect(ids).toEqual([...ids].sort());
  // 120 documents of 180 kB: 21 MB where they are held.
  expect(looks[1]! - looks[0]!).toBeLessThan(8 * MB);
}, 60_000);
