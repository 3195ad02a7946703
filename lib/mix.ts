// General instruction data beside the pages' own, against forgetting: rows of the usual shapes, drawn by hash.
import { z } from 'zod';
import { type Dropped, RECORD_SCHEMA } from '../contracts/records';
import { digest } from './hash';
import { Masker } from './masking';
import { Rows, type Spill } from './spill';

/** One general instruction with its answer. */
export interface GeneralRow {
  /** sha256 of instruction and response. */
  id: string;
  instruction: string;
  response: string;
}

/** The columns that one of the shapes below is made of. */
export const MIX_COLUMNS = [
  'messages',
  'prompt',
  'completion',
  'instruction',
  'input',
  'output',
  'conversations',
  'context',
  'response',
] as const;

const Message = z.object({ role: z.string(), content: z.string().nullish() });
/** ShareGPT's names for the same. */
const Spoken = z
  .object({ from: z.string(), value: z.string().nullish() })
  .transform(({ from, value }) => ({ role: from === 'human' ? 'user' : from === 'gpt' ? 'assistant' : from, content: value }));
const Turns = z.array(z.union([Message, Spoken]));
type Turns = z.infer<typeof Turns>;

const Chat = z.union([
  z.object({ messages: Turns }).transform(({ messages }) => messages),
  z.object({ conversations: Turns }).transform(({ conversations }) => conversations),
  z.object({ prompt: Turns, completion: Turns }).transform(({ prompt, completion }) => [...prompt, ...completion]),
]);
const Completion = z.object({ prompt: z.string(), completion: z.string() });
/** Alpaca's columns, or Dolly's. */
const Instruction = z.union([
  z.object({ instruction: z.string(), input: z.string().nullish(), output: z.string() }),
  z
    .object({ instruction: z.string(), context: z.string().nullish(), response: z.string() })
    .transform(({ instruction, context, response }) => ({ instruction, input: context, output: response })),
]);

/** Only the first: what is asked later may mean nothing without what came before it. */
const firstTurn = (messages: Turns): [string, string] | null => {
  const [user, assistant] = messages.filter(({ role }) => role !== 'system' && role !== 'developer');
  if (user?.role !== 'user' || assistant?.role !== 'assistant') return null;
  return [user.content ?? '', assistant.content ?? ''];
};

/** The turn of a row: the first of a chat, prompt and completion, or an instruction with its output; null for any other shape. */
const turnOf = (row: unknown): [string, string] | null => {
  const chat = Chat.safeParse(row);
  if (chat.success) return firstTurn(chat.data);
  const completion = Completion.safeParse(row);
  if (completion.success) return [completion.data.prompt, completion.data.completion];
  const asked = Instruction.safeParse(row);
  if (!asked.success) return null;
  const { instruction, input, output } = asked.data;
  return [input === null || input === undefined || input.trim() === '' ? instruction : `${instruction}\n\n${input}`, output];
};

/** Some editors begin a file with it, and JSON.parse does not take it. */
const BYTE_ORDER_MARK = '\ufeff';

/** General rows, each once and ascending by id. Their texts lie in a spill, since a dataset may be larger than memory. */
export class GeneralRows {
  /** Lines of no known shape, or of a turn without text. */
  refused = 0;
  private readonly rows: Rows<GeneralRow>;
  private order: Uint32Array | null = null;

  constructor(spill: Spill) {
    this.rows = new Rows(spill);
  }

  /** @param line a JSON object; secrets in it are masked as in pages */
  add(line: string): void {
    if (line.trim() === '') return;
    let turn: [string, string] | null = null;
    try {
      turn = turnOf(JSON.parse(line.startsWith(BYTE_ORDER_MARK) ? line.slice(1) : line));
    } catch {
      // no JSON: refused below
    }
    const masker = new Masker();
    const [instruction, response] = (turn ?? ['', '']).map((text) => masker.mask(text.trim())) as [string, string];
    if (instruction === '' || response === '') this.refused += 1;
    else this.rows.add({ id: digest({ instruction, response }), instruction, response });
  }

  get size(): number {
    return this.ordered().length;
  }

  /** From one place in the order to another, that one not included. */
  slice(from: number, to: number): GeneralRow[] {
    return Array.from(this.ordered().subarray(from, to), (row) => this.rows.at(row));
  }

  private ordered(): Uint32Array {
    const { ids } = this.rows;
    return (this.order ??= ids.sorted().filter((row, place, all) => place === 0 || ids.compare(all[place - 1]!, row) !== 0));
  }
}

/** How many general rows make `share` of all when `own` rows are there. */
export const mixCount = (own: number, share: number): number => Math.round((share / (1 - share)) * own);

/** What is not drawn needs no fate: it is no part of what was asked for. A drawn row that cannot be used has one. */
export const mixDropped = (row: Pick<GeneralRow, 'id'>, reason: string): Dropped => ({
  schema: RECORD_SCHEMA,
  id: row.id,
  of: 'example',
  stage: 'format',
  reason,
});

const HUB_DATASET = /^([\w.-]+\/[\w.-]+)@([0-9a-f]{40})$/;

/** A Hub dataset at a commit, or a file below RETUNE_FILES_ROOT. */
export const mixSource = (source: string): { dataset: string; revision: string } | { file: string } => {
  const hub = HUB_DATASET.exec(source);
  return hub === null ? { file: source } : { dataset: hub[1]!, revision: hub[2]! };
};

/** The address that an example names as its source; no path of a machine. */
export const mixUrl = (source: string): string => {
  const from = mixSource(source);
  return 'dataset' in from
    ? `https://huggingface.co/datasets/${from.dataset}/tree/${from.revision}`
    : `file:///${encodeURI(source.split(/[\\/]/).at(-1) ?? source)}`;
};
