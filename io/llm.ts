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

/** RATE_LIMITED and UNAVAILABLE may heal; DENIED and NOT_FOUND name the variable to look at; REFUSED is any other no. */
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

const Completion = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullable() }) })).min(1),
  usage: z.object({ total_tokens: z.number() }).nullish(),
});

const statusError = (status: number, retryAfter: string | undefined): LlmError => {
  const seconds = Number(retryAfter);
  const wait = retryAfter === undefined || !Number.isFinite(seconds) || seconds < 0 ? null : seconds * 1000;
  if (status === 429) return new LlmError('RATE_LIMITED', 'the endpoint of RETUNE_LLM_URL asks us to wait (HTTP 429)', wait);
  if (status === 408 || status >= 500)
    return new LlmError('UNAVAILABLE', `the endpoint of RETUNE_LLM_URL is in trouble (HTTP ${status})`, wait);
  if (status === 401 || status === 403)
    return new LlmError('DENIED', `the endpoint of RETUNE_LLM_URL refuses RETUNE_LLM_KEY (HTTP ${status})`);
  if (status === 404)
    return new LlmError('NOT_FOUND', 'RETUNE_LLM_URL has no /chat/completions, or not the model of RETUNE_LLM_MODEL (HTTP 404)');
  return new LlmError('REFUSED', `the endpoint of RETUNE_LLM_URL refused the request (HTTP ${status})`);
};

/** @param url up to and without /chat/completions */
export const createLlm = ({ url, model, key }: { url: string; model: string; key: Secret | null }): LlmClient => {
  const agent = new Agent({ pipelining: 1, connect: { timeout: 10_000 }, headersTimeout: 0, bodyTimeout: 0 });
  return {
    async complete({ system, user, maxTokens }, { signal, timeoutMs }) {
      signal.throwIfAborted();
      const controller = new AbortController();
      const stop = (): void => controller.abort(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      const timer = setTimeout(() => controller.abort(), timeoutMs);
      try {
        const response = await request(`${url}/chat/completions`, {
          dispatcher: agent,
          method: 'POST',
          signal: controller.signal,
          headers: { 'content-type': 'application/json', ...(key === null ? {} : { authorization: `Bearer ${key.reveal()}` }) },
          body: JSON.stringify({
            model,
            temperature: 0,
            max_tokens: maxTokens,
            messages: [
              { role: 'system', content: system },
              { role: 'user', content: user },
            ],
          }),
        });
        if (response.statusCode !== 200) {
          response.body.on('error', () => undefined).destroy();
          const after = response.headers['retry-after'];
          throw statusError(response.statusCode, Array.isArray(after) ? after[0] : after);
        }
        const body = await readBody(response.body, undefined, { url, maxBytes: 4 * 1024 * 1024 });
        let parsed: z.infer<typeof Completion>;
        try {
          parsed = Completion.parse(JSON.parse(body.toString('utf8')));
        } catch {
          throw new LlmError('BAD_ANSWER', 'the endpoint of RETUNE_LLM_URL sent no chat completion');
        }
        const text = parsed.choices[0]?.message.content ?? '';
        // An endpoint that does not count is counted by its characters.
        return { text, tokens: parsed.usage?.total_tokens ?? Math.ceil((system.length + user.length + text.length) / 3) };
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
