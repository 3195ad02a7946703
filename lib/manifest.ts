// A manifest's hashed half and its digest.
import { ARTIFACT_SCHEMA, type Manifest, type Output } from '../contracts/artifacts';
import { digest } from './hash';

const byName = (a: Output, b: Output): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** Puts outputs into their lasting order and computes the digest over `content` alone. */
export const sealManifest = (parts: Pick<Manifest, 'content' | 'facts'>): Manifest => {
  const content = { ...parts.content, outputs: [...parts.content.outputs].sort(byName) };
  const facts = { ...parts.facts, sidecars: [...parts.facts.sidecars].sort(byName) };
  return { schema: ARTIFACT_SCHEMA, content, outputDigest: digest(content), facts };
};
