// Canonical JSON, content hashes and stage keys: same input, same bytes, on any machine.
import { hash } from 'node:crypto';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** SHA-256 of bytes or of a string's UTF-8, as 64 hex digits. */
export const sha256 = (data: string | Uint8Array): string => hash('sha256', data);

/** All but what JSON writes as it is. Halves of surrogate pairs may be whole pairs, which JSON.stringify tells. */
const ESCAPED = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

/** JSON.stringify is slow to start: most strings need no escape. */
const quoted = (text: string): string => (ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`);

/**
 * Canonical JSON after RFC 8785, for strings, booleans, null, safe integers and arrays and objects of them:
 * keys sorted by UTF-16 code units, no spaces. Fields that are undefined are left out.
 * @throws RangeError for a number that is no safe integer: fractions print differently in other languages
 */
export const canonical = (value: unknown): string => {
  if (typeof value === 'string') return quoted(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new RangeError(`canonical JSON takes safe integers only, not ${value}`);
    return String(value + 0);
  }
  let out = '';
  if (Array.isArray(value)) {
    for (const item of value) out += out === '' ? canonical(item) : `,${canonical(item)}`;
    return `[${out}]`;
  }
  if (typeof value === 'object') {
    for (const name of Object.keys(value).sort()) {
      const field = (value as Record<string, unknown>)[name];
      if (field !== undefined) out += `${out === '' ? '' : ','}${quoted(name)}:${canonical(field)}`;
    }
    return `{${out}}`;
  }
  throw new RangeError(`canonical JSON takes no ${typeof value}`);
};

/** SHA-256 of the canonical JSON. */
export const digest = (value: unknown): string => sha256(canonical(value));

/** Fractions as decimal strings (ECMAScript's shortest form), so that a config can be hashed. */
export const hashable = (value: unknown): unknown => {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : String(value);
  if (Array.isArray(value)) return value.map(hashable);
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, hashable(field)]));
  return value;
};

export interface KeyParts {
  verb: string;
  version: number;
  /** Dotted path to value; fields at their default are not in it. */
  config: Record<string, unknown>;
  /** Result digests of the inputs, by name. */
  inputs: Record<string, string>;
}

/** The key of a stage: equal keys mean that the output can be reused. */
export const stageKey = (parts: KeyParts): string => digest({ ...parts, config: hashable(parts.config) });
