// Pairs and examples for tests: whole and valid, each field to be overridden.
import type { Example, Message, Pair, Split } from '../../contracts/records';
import { digest, sha256 } from '../../lib/hash';

type PairWish = Partial<Pair> & { page?: string; section?: string };

export const pair = ({ page = 'https://example.org/a.html', section = 'one', ...wish }: PairWish = {}): Pair => {
  const instruction = wish.instruction ?? 'What does `npm ci` do?';
  const response = wish.response ?? 'It installs exactly what the lock file says.';
  const sectionId = sha256(`${page}#${section}`);
  return {
    schema: 1,
    id: digest({ kind: 'heading', sectionId, instruction, response }),
    kind: 'heading',
    instruction,
    response,
    url: page,
    anchor: section,
    path: ['npm ci', 'Description'],
    pageId: sha256(page),
    sectionId,
    cluster: sectionId,
    documentSha256: sha256(`document ${page}`),
    score: 0.9,
    ...wish,
  };
};

type ExampleWish = PairWish & { split?: Split; instructions?: string };

export const example = ({ split = 'train', instructions, ...wish }: ExampleWish = {}): Example => {
  const from = pair(wish);
  const messages: Message[] = [
    ...(instructions === undefined ? [] : [{ role: 'developer' as const, content: instructions }]),
    { role: 'user', content: from.instruction },
    { role: 'assistant', content: from.response },
  ];
  const { kind, url, anchor, path, pageId, id: pairId, documentSha256 } = from;
  const [prompt, completion] = [messages.slice(0, -1), messages.slice(-1)];
  return {
    schema: 1,
    id: digest({ messages, pairId }),
    split,
    messages,
    prompt,
    completion,
    kind,
    url,
    anchor,
    path,
    pageId,
    pairId,
    documentSha256,
  };
};
