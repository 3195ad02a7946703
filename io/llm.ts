// An OpenAI-compatible chat endpoint: one completion at a time. No retries here, and no error holds the key.
import { Agent, request } from 'undici';
import { z } from 'zod';
import { readBody } from './http-body';
import { transportError } from './http-error';
import type { Secret } from './secret';

export interface LlmPrompt {
  system: string;
  user: string;
  /** Longest answer, in the endpoint's tokens. */
  maxTokens: number;
}

export interface LlmAnswer {
  text: string;
  /** Prompt and answer together, as the endpoint counted them. */
  tokens: number;
}

export interface LlmClient {
  /** @throws LlmError, or the signal's reason */
  complete(prompt: LlmPrompt, options: { signal: AbortSignal; timeoutMs: number }): Promise<LlmAnswer>;
  close(): Promise<void>;
}

/**
 * RATE_LIMITED, UNAVAILABLE and BAD_ANSWER may heal; DENIED and NOT_FOUND name the variable to look at; REFUSED is any other no, of
 * this prompt (too long, filtered) or of all.
 */
type LlmErrorCode = 'RATE_LIMITED' | 'UNAVAILABLE' | 'DENIED' | 'NOT_FOUND' | 'REFUSED' | 'BAD_ANSWER';

export class LlmError extends Error {
  override readonly name = 'LlmError';
  constructor(
    readonly code: LlmErrorCode,
    message: string,
    /** The endpoint's own wish. */
    readonly retryAfterMs: number | null = null,
  ) {
    super(message);
  }
}

/** A model that refuses, or only thought, has no content; a filter may leave no choice. */
const Completion = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullish() }) })),
  usage: z.object({ total_tokens: z.number() }).nullish(),
});

/** What differs between endpoints: newer models of OpenAI take another name for the limit, and no temperature. */
interface Dialect {
  limit: 'max_tokens' | 'max_completion_tokens';
  temperature: boolean;
}

/** The dialect that a refusal asks for; null when it is about something else. */
const otherDialect = (used: Dialect, said: string): Dialect | null => {
  if (used.limit === 'max_tokens' && said.includes('max_completion_tokens')) return { ...used, limit: 'max_completion_tokens' };
  if (used.temperature && said.includes('temperature')) return { ...used, temperature: false };
  return null;
};

const MOST_SAID = 300;
const Refusal = z.object({ error: z.union([z.string(), z.object({ message: z.string() })]) });

/** What the endpoint says of its refusal, short, on one line; '' where it says nothing that can be read. */
const saidOf = (body: string): string => {
  let said = '';
  try {
    const parsed = Refusal.safeParse(JSON.parse(body));
    if (parsed.success) said = typeof parsed.data.error === 'string' ? parsed.data.error : parsed.data.error.message;
  } catch {
    // No JSON, so nothing that was meant for us.
  }
  return said.replace(/[\p{Cc}\s]+/gu, ' ').trim();
};

const statusError = (status: number, retryAfter: string | undefined, said: string): LlmError => {
  const seconds = Number(retryAfter);
  const wait = retryAfter === undefined || !Number.isFinite(seconds) || seconds < 0 ? null : seconds * 1000;
  if (status === 429) return new LlmError('RATE_LIMITED', 'the endpoint of RETUNE_LLM_URL asks us to wait (HTTP 429)', wait);
  if (status === 408 || status >= 500)
    return new LlmError('UNAVAILABLE', `the endpoint of RETUNE_LLM_URL is in trouble (HTTP ${status})`, wait);
  if (status === 401 || status === 403)
    return new LlmError('DENIED', `the endpoint of RETUNE_LLM_URL refuses RETUNE_LLM_KEY (HTTP ${status})`);
  if (status === 404)
    return new LlmError('NOT_FOUND', 'RETUNE_LLM_URL has no /chat/completions, or not the model of RETUNE_LLM_MODEL (HTTP 404)');
  const words = said === '' ? '' : `: ${said.slice(0, MOST_SAID)}`;
  return new LlmError('REFUSED', `the endpoint of RETUNE_LLM_URL refused the request (HTTP ${status})${words}`);
};

/** @param url up to and without /chat/completions */
export const createLlm = ({ url, model, key }: { url: string; model: string; key: Secret | null }): LlmClient => {
  const agent = new Agent({ pipelining: 1, connect: { timeout: 10_000 }, headersTimeout: 0, bodyTimeout: 0 });
  const hidden = (text: string): string => (key === null ? text : text.replaceAll(key.reveal(), '***'));
  let dialect: Dialect = { limit: 'max_tokens', temperature: true };

  const ask = async ({ system, user, maxTokens }: LlmPrompt, signal: AbortSignal): Promise<Buffer> => {
    for (;;) {
      const used = dialect;
      const response = await request(`${url}/chat/completions`, {
        dispatcher: agent,
        method: 'POST',
        signal,
        headers: { 'content-type': 'application/json', ...(key === null ? {} : { authorization: `Bearer ${key.reveal()}` }) },
        body: JSON.stringify({
          model,
          ...(used.temperature ? { temperature: 0 } : {}),
          [used.limit]: maxTokens,
          messages: [
            { role: 'system', content: system },
            { role: 'user', content: user },
          ],
        }),
      });
      const body = await readBody(response.body, undefined, { url, maxBytes: 4 * 1024 * 1024 });
      if (response.statusCode === 200) return body;
      const said = hidden(saidOf(body.toString('utf8')));
      const other = response.statusCode === 400 ? otherDialect(used, said) : null;
      if (other === null) {
        const after = response.headers['retry-after'];
        throw statusError(response.statusCode, Array.isArray(after) ? after[0] : after, said);
      }
      dialect = other;
    }
  };

  return {
    async complete(prompt, { signal, timeoutMs }) {
      signal.throwIfAborted();
      const controller = new AbortController();
      const stop = (): void => controller.abort(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      const timer = setTimeout(() => controller.abort(), timeoutMs);
      try {
        const body = await ask(prompt, controller.signal);
        let parsed: z.infer<typeof Completion>;
        try {
          parsed = Completion.parse(JSON.parse(body.toString('utf8')));
        } catch {
          throw new LlmError('BAD_ANSWER', 'the endpoint of RETUNE_LLM_URL sent no chat completion');
        }
        const text = parsed.choices[0]?.message.content ?? '';
        // An endpoint that does not count is counted by its characters.
        return { text, tokens: parsed.usage?.total_tokens ?? Math.ceil((prompt.system.length + prompt.user.length + text.length) / 3) };
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (error instanceof LlmError) throw error;
        if (controller.signal.aborted)
          throw new LlmError('UNAVAILABLE', `the endpoint of RETUNE_LLM_URL did not answer within ${timeoutMs} ms`);
        throw new LlmError('UNAVAILABLE', `the connection to RETUNE_LLM_URL failed (${transportError(error, url).code})`);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
      }
    },
    close: () => agent.destroy(),
  };
};
