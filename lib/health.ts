// Are generated answers well formed: do they parse, end, say something, and not go round in circles?
import type { Family } from '../contracts/trainer';
import { parseCompletion } from './completion';
import { encodeText } from './tokens';

/** One generated answer as the trainer reports it. */
export interface Generation {
  /** Decoded text; GPT-OSS answers come as ids and are read here. */
  text: string;
  ids: readonly number[] | null;
  newTokens: number;
  /** True when the model ended, false when the limit did. */
  stopped: boolean;
}

export interface Health {
  /** The answer as a person reads it. */
  text: string;
  /** Not harmony, or no final channel in an answer that ended. */
  malformed: boolean;
  endless: boolean;
  empty: boolean;
  looping: boolean;
  tokens: number;
}

/** Share of answers with each fault, and their mean length. */
export interface HealthRates {
  generations: number;
  malformed: number;
  endless: number;
  empty: number;
  looping: number;
  meanTokens: number;
}

/** Fewer runs of four tokens than this are no loop yet. */
const LEAST_RUNS = 16;

/**
 * Share of repeated runs of four tokens, seq-rep-4 of Welleck et al. 2020 (Neural Text Generation with Unlikelihood
 * Training): 0 where none occurs twice; human text has a few per cent.
 */
export const repetition = (text: string): number => {
  const ids = encodeText(text);
  const runs = Math.max(0, ids.length - 3);
  if (runs < LEAST_RUNS) return 0;
  const distinct = new Set(Array.from({ length: runs }, (_, at) => ids.slice(at, at + 4).join()));
  return 1 - distinct.size / runs;
};

/** What one answer is like. */
export const healthOf = (generation: Generation, family: Family): Health => {
  const harmony = family === 'gpt-oss' ? parseCompletion(generation.ids ?? []) : null;
  const text = harmony?.text ?? generation.text;
  const ended = harmony?.ended ?? generation.stopped;
  return {
    text,
    malformed: harmony !== null && (!harmony.valid || (harmony.ended && harmony.channel !== 'final')),
    endless: !ended,
    empty: text.trim() === '',
    looping: repetition(text === '' ? (harmony?.thinking ?? '') : text) > 0.5,
    tokens: generation.newTokens,
  };
};

/** Rates over the answers of one model. */
export const healthRates = (answers: readonly Health[]): HealthRates => {
  const share = (fault: 'malformed' | 'endless' | 'empty' | 'looping'): number =>
    answers.length === 0 ? 0 : answers.filter((answer) => answer[fault]).length / answers.length;
  const tokens = answers.reduce((total, answer) => total + answer.tokens, 0);
  return {
    generations: answers.length,
    malformed: share('malformed'),
    endless: share('endless'),
    empty: share('empty'),
    looping: share('looping'),
    meanTokens: answers.length === 0 ? 0 : tokens / answers.length,
  };
};
