// A stand-in for an OpenAI-compatible endpoint over real HTTP: it quotes the text that it is asked about, judges by
// whether an answer stands in the text, counts tokens, and fails on request.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Asked {
  authorization: string | undefined;
  body: { model: string; messages: { role: string; content: string }[]; max_tokens?: number; temperature?: number };
}

export interface LlmStandIn {
  url: string;
  asked: Asked[];
  /** The next requests get these answers instead, in order. */
  faults: { status: number; headers?: Record<string, string>; body?: string }[];
  /** Called with the number of a request before it is answered, to plan a fault. */
  before: ((number: number) => void) | null;
  /** `newer`: refuses max_tokens and temperature, as newer models of OpenAI do. */
  dialect: 'usual' | 'newer';
  /** A judge that believes everything. */
  credulous: boolean;
  /** Written into every answer, as a model that makes things up. */
  invented: string | null;
  close(): Promise<void>;
}

const generated = (text: string, invented: string | null): string => {
  const title = /<text>\n([^\n]*)/.exec(text)?.[1] ?? 'it';
  const sentence = /(?:^|\s)(\p{Lu}[^.`]{40,200}\.)/u.exec(text.slice(text.indexOf('\n\n', text.indexOf('<text>'))))?.[1] ?? '';
  const pairs = sentence === '' ? [] : [{ question: `Would you tell me about ${title}?`, answer: sentence }];
  if (invented !== null) pairs.push({ question: `Is ${title} sold?`, answer: invented });
  return `Here it is:\n\`\`\`json\n${JSON.stringify(pairs)}\n\`\`\``;
};

const judged = (text: string, credulous: boolean): string => {
  const [before = '', list = '[]'] = text.split('<pairs>\n');
  const pairs = JSON.parse(list.slice(0, list.lastIndexOf(']') + 1)) as { answer: string }[];
  return JSON.stringify(pairs.map(({ answer }) => (credulous || before.includes(answer) ? 9 : 2)));
};

export const openLlm = async (): Promise<LlmStandIn> => {
  const standIn: LlmStandIn = {
    url: '',
    asked: [],
    faults: [],
    before: null,
    dialect: 'usual',
    credulous: false,
    invented: null,
    close: () => Promise.resolve(),
  };
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Asked['body'];
      standIn.asked.push({ authorization: request.headers.authorization, body });
      standIn.before?.(standIn.asked.length);
      const refused =
        standIn.dialect === 'usual'
          ? null
          : body.max_tokens !== undefined
            ? "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            : body.temperature !== undefined
              ? "Unsupported value: 'temperature' does not support 0 with this model."
              : null;
      if (refused !== null) standIn.faults.unshift({ status: 400, body: JSON.stringify({ error: { message: refused } }) });
      const fault = standIn.faults.shift();
      if (request.url !== '/v1/chat/completions' || fault !== undefined) {
        response.writeHead(fault?.status ?? 404, fault?.headers);
        response.end(fault?.body ?? '{}');
        return;
      }
      const user = body.messages.at(-1)?.content ?? '';
      const content = user.includes('<pairs>') ? judged(user, standIn.credulous) : generated(user, standIn.invented);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content } }], usage: { total_tokens: 100 } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  standIn.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  standIn.close = () =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return standIn;
};
