// What a person can say to a running pipeline, beside starting and cancelling it.
import { z } from 'zod';

/** Argument of the Updates `approve` and `reject`. */
export const Decision = z.strictObject({
  by: z.string().min(1).max(200).default('unknown').describe('who decides'),
  note: z.string().max(2000).default('').describe('why'),
});
export type Decision = z.infer<typeof Decision>;
