// What differs between the page lists of two runs: a merge of two streams sorted by id, so that memory stays small.
import type { Page } from '../contracts/records';
import type { Drift, PageList } from './collection';

type Row = Pick<Page, 'id' | 'url' | 'bodySha256'>;

/** Rows in order. @throws Error when a list is not sorted by id: the merge would find differences that are none */
async function* inOrder(rows: AsyncIterable<Row>): AsyncGenerator<Row> {
  let last = '';
  for await (const row of rows) {
    if (row.id <= last) throw new Error(`page ${row.url} is out of order`);
    last = row.id;
    yield row;
  }
}

/**
 * @param before,after pages of the two runs, sorted by id
 * @param shown most examples of each list
 */
export const compareRuns = async (before: AsyncIterable<Row>, after: AsyncIterable<Row>, shown: number): Promise<Drift> => {
  const list = (): PageList => ({ count: 0, examples: [] });
  const drift: Drift = { new: list(), changed: list(), gone: list(), unchanged: 0 };
  const add = (to: PageList, { url }: Row): void => {
    to.count += 1;
    if (to.examples.length < shown) to.examples.push({ url, reason: null });
  };
  const [old, now] = [inOrder(before), inOrder(after)];
  let [a, b] = [await old.next(), await now.next()];
  while (a.done !== true || b.done !== true) {
    if (a.done === true || (b.done !== true && b.value.id < a.value.id)) {
      add(drift.new, b.value as Row);
      b = await now.next();
    } else if (b.done === true || a.value.id < b.value.id) {
      add(drift.gone, a.value);
      a = await old.next();
    } else {
      if (a.value.bodySha256 === b.value.bodySha256) drift.unchanged += 1;
      else add(drift.changed, b.value);
      [a, b] = [await old.next(), await now.next()];
    }
  }
  return drift;
};
