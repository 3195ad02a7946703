// A seeded generator of our own: the same numbers on every machine and Node version.

/**
 * xoshiro128** (Blackman and Vigna, 2018), its state filled by splitmix32 from one seed.
 * @param seed any safe integer; its low 32 bits count
 * @returns `next()`: 32 random bits; `below(n)`: an integer in [0, n), n up to 2^32, without modulo bias
 */
export const createRandom = (seed: number): { next: () => number; below: (n: number) => number } => {
  let mix = seed >>> 0;
  const splitmix = (): number => {
    mix = (mix + 0x9e3779b9) >>> 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  let [a, b, c, d] = [splitmix(), splitmix(), splitmix(), splitmix()];
  const rotate = (x: number, bits: number): number => (x << bits) | (x >>> (32 - bits));
  const next = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result;
  };
  const below = (n: number): number => {
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const drawn = next();
      if (drawn < limit) return drawn % n;
    }
  };
  return { next, below };
};
