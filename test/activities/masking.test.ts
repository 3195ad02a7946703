import { openPreparing, type Preparing } from '../support/preparing';
import { page } from '../support/little-docs';

const TOKEN = `ghp_${'q7Zk2mX9vB4nT8wR1pL6sJ3hG5dF0cYaEuIo'}`;
const SECRETS = `<h2 id="keys">Keys of the box</h2><p>Write to jane.doe@corp.io for a key of the box. The key is ${TOKEN} and nobody else may know it.</p>
<pre>export BOX_TOKEN=${TOKEN}\ngit config user.email jane.doe@corp.io</pre>`;
const pages = Object.fromEntries(
  Array.from({ length: 12 }, (_, index) => [
    `http://docs.test/p${index}.html`,
    page(index).replace('</main>', `${index % 3 === 0 ? SECRETS : ''}</main>`),
  ]),
);

let run: Preparing;
afterEach(async () => run.close());

test('a secret and an address on a page are in no file that a stage after it writes', async () => {
  run = await openPreparing(pages, { pair: { minChars: 30, minScore: 0 } });
  const ref = await run.format();
  expect(ref.counts['train']).toBeGreaterThan(0);
  expect((await run.clean()).counts).toMatchObject({ masked_token: 8, masked_email: 8 });
  const written = (await run.store.list('')).filter((path) => !path.startsWith('bodies') && !path.startsWith('pages'));
  const telling: string[] = [];
  let stands = 0;
  for (const path of written) {
    const data = (await run.store.read(path))!.toString('latin1');
    if (!/^(?:clean|dedup|pair|format)\//.test(path)) continue;
    if (data.includes(TOKEN) || data.includes('jane.doe')) telling.push(path);
    if (data.includes('user@example.com')) stands += 1;
  }
  expect(telling).toEqual([]);
  expect(stands).toBeGreaterThan(2);
});

test('they are kept only where the input says so', async () => {
  run = await openPreparing(pages, { clean: { mask: false } });
  expect(await run.read(await run.clean(), 'documents.jsonl')).toContain(TOKEN);
});
