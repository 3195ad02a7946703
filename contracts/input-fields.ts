// What fields of different parts of the input share.
import { z } from 'zod';

/** Of a field that cannot change a result: it never enters a stage's key. */
export const outside = { key: false } as const;
export const Fraction = z.number().min(0).max(1);
