// Canonical JSON, content hashes and stage keys: same input, same bytes, on any machine.
import { hash } from 'node:crypto';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** SHA-256 of bytes or of a string's UTF-8, as 64 hex digits. */
export const sha256 = (data: string | Uint8Array): string => hash('sha256', data);

/**
 * Canonical JSON after RFC 8785, for strings, booleans, null, safe integers and arrays and objects of them:
 * keys sorted by UTF-16 code units, no spaces. Fields that are undefined are left out.
 * @throws RangeError for a number that is no safe integer: fractions print differently in other languages
 */
export const canonical = (value: unknown): string => {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new RangeError(`canonical JSON takes safe integers only, not ${value}`);
    return JSON.stringify(value + 0 === 0 ? 0 : value);
  }
  let out = '';
  if (Array.isArray(value)) {
    for (const item of value) out += `${out === '' ? '' : ','}${canonical(item)}`;
    return `[${out}]`;
  }
  if (typeof value === 'object') {
    for (const name of Object.keys(value).sort()) {
      const field = (value as Record<string, unknown>)[name];
      if (field !== undefined) out += `${out === '' ? '' : ','}${JSON.stringify(name)}:${canonical(field)}`;
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
