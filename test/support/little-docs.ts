// A little documentation site with real prose, code and definitions, enough for a dataset of a few dozen pairs;
// and the input that trains tiny-gpt-oss on it in seconds.
import type { Route } from './site';

const TOPICS = [
  ['queue', 'holds work until a worker takes it', 'push', 'adds an item to the end of the queue'],
  ['lease', 'gives one process the right to work on a key', 'acquire', 'asks for the lease and answers at once'],
  ['store', 'keeps files under names that never change', 'put', 'writes a file whole or not at all'],
  ['manifest', 'says that the output of a stage is complete', 'seal', 'writes the manifest after every file'],
  ['worker', 'runs activities that the server hands out', 'poll', 'waits for the next task of the queue'],
  ['schedule', 'starts a run every night at the same time', 'trigger', 'starts one run now, beside the plan'],
  ['adapter', 'changes a model without touching its weights', 'merge', 'adds the adapter to the weights of the base'],
  ['gate', 'decides whether a model may be published', 'judge', 'compares the new model with the old one'],
  ['crawler', 'visits the pages of a site politely', 'visit', 'fetches one page and remembers its validators'],
  ['tokenizer', 'cuts text into numbers that a model reads', 'encode', 'turns a text into a list of numbers'],
  ['checkpoint', 'keeps the state of a training on disk', 'save', 'writes the state and then its mark'],
  ['report', 'shows what a run did on one page', 'render', 'makes the page from the record of the run'],
] as const;

/** One page; `edition` changes its text. */
export const page = (index: number, edition = 1): string => {
  const topic = TOPICS[index % TOPICS.length] ?? TOPICS[0];
  const [noun, does, verb, verbDoes] = topic;
  const extra =
    edition === 1 ? '' : ` Edition ${edition} of this page explains the ${noun} with one more sentence than the edition before it.`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>The ${noun} - Little Docs</title></head><body>
<header><nav><a href="/">Little Docs</a> <a href="/all">All pages</a></nav></header><main>
<h1 id="${noun}">The ${noun}</h1><p>The ${noun} ${does}. It is made once when the program starts and closed when the program ends.${extra}</p>
<h2 id="using">Using the ${noun}</h2><p>Create a ${noun} with the name of its owner, then call ${verb} as often as needed:</p>
<pre><code class="language-python">from little import ${noun}

box = ${noun}.open("owner-${index}")
box.${verb}(item)   # returns when it is done
box.close()
</code></pre>
<p>A ${noun} that was not closed is closed by the program itself, and a message names the owner of the ${noun} in the log.</p>
<h2 id="reference">Reference of the ${noun}</h2>
<dl><dt id="${verb}"><code>${noun}.${verb}(item)</code></dt><dd>The function ${verbDoes}. It raises ValueError when the item is of another kind than the ${noun} expects.</dd>
<dt id="close"><code>${noun}.close()</code></dt><dd>Closes the ${noun}. Calling it twice does no harm, and a closed ${noun} refuses every further call.</dd></dl>
<h2 id="limits">Limits of the ${noun}</h2><p>A ${noun} takes at most ${(index + 3) * 100} items. The next item is refused with an error that tells how many items the ${noun} already holds, so nothing is lost.</p>
</main><footer>Little Docs, made for tests</footer></body></html>`;
};

/** Pages /p0.html ... and the troublesome ones: dead, slow, redirected, denied by robots.txt. */
export const routes = (pages: number): Record<string, Route> => ({
  '/robots.txt': { headers: { 'content-type': 'text/plain' }, body: 'User-agent: *\nDisallow: /private/\n' },
  ...Object.fromEntries(Array.from({ length: pages }, (_, index) => [`/p${index}.html`, { body: page(index), etag: `"p${index}-1"` }])),
  '/slow.html': { body: page(10), delayMs: 1500, etag: '"slow"' },
  '/moved.html': { status: 302, headers: { location: '/target.html' } },
  '/target.html': { body: page(11), etag: '"target"' },
  '/private/secret.html': { body: page(0) },
});

/** An input that runs through every stage in seconds. */
export const littleInput = (urls: string[], train: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: 'little',
  source: { urls, provider: 'direct', retries: 1 },
  format: { maxTokens: 256, testShare: 0.25, validationShare: 0.1 },
  pair: { maxChars: 600, minChars: 30, minScore: 0 },
  model: { base: 'tiny-gpt-oss', dtype: 'fp32' },
  train: { steps: 8, batch: { examples: 2, tokens: 256 }, lr: 0.005, warmupSteps: 1, evalEvery: null, saveEvery: 2, ...train },
  evaluate: { maxExamples: 20, generations: 0, maxNewTokens: 8, questions: ['What is a lease?'] },
  gate: { onInsufficient: 'pass', maxGeneralLoss: 1 },
  limits: { heartbeatSeconds: 10 },
});
