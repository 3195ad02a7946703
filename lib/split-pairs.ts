// Pairs to splits: each once, in one split, and nothing long on both sides. Texts and tokens wait in a spill; what is kept of
// a pair is columns, about 150 bytes.
import type { PipelineInput } from '../contracts/input';
import { type Dropped, type Pair, RECORD_SCHEMA, type Split, SPLITS } from '../contracts/records';
import { HashColumn, NumberColumn } from './columns';
import { findShared, MAX_SHARED_TOKENS, REPORTED_TOKENS } from './contamination';
import { digest } from './hash';
import { Rows, type Spill } from './spill';
import { SplitTable } from './split';
import { encodeText } from './tokens';

export interface Contamination {
  /** Held-out pairs whose answer shared a run of 50 tokens (or all of a shorter answer) with training, and were dropped. */
  dropped: number;
  /** Held-out pairs that still share one: measured again, must be 0. */
  remaining: number;
  /** Held-out pairs left that share a run of 13 tokens, for information. */
  shared13: number;
  held: number;
}

/** A pair that stays, with its answer's o200k tokens. */
export interface KeptPair {
  pair: Pair;
  split: Split;
  answer: Int32Array;
}

export const formatDropped = (pair: { id: string }, reason: string, detail?: string): Dropped => ({
  schema: RECORD_SCHEMA,
  id: pair.id,
  of: 'pair',
  stage: 'format',
  reason,
  ...(detail === undefined ? {} : { detail }),
});

export const LONE_SURROGATE = /\p{Surrogate}/u;

const flawOf = ({ instruction, response }: Pair): string | null => {
  if (response.trim() === '' || instruction.trim() === '') return 'nothing_supervised';
  return LONE_SURROGATE.test(instruction + response) ? 'malformed_text' : null;
};

const GONE = SPLITS.length;
const HELD: readonly Split[] = ['test', 'validation'];

/** Takes all pairs, then settles them, then gives those that stay as often as they are asked for. */
export class SplitPairs {
  /** Pairs that came. */
  size = 0;
  by: 'page' | 'section' = 'page';
  contamination: Contamination = { dropped: 0, remaining: 0, shared13: 0, held: 0 };
  private readonly pairs: Rows<Pair>;
  private readonly turns = new HashColumn(16);
  private readonly table: SplitTable;
  private readonly answers = { starts: new NumberColumn(), sizes: new NumberColumn() };
  /** Rows ascending by id, and the split of each row. */
  private order: Uint32Array = new Uint32Array();
  private splits: Uint8Array = new Uint8Array();

  constructor(
    private readonly spill: Spill,
    private readonly drop: (dropped: Dropped) => void,
    config: PipelineInput['format'],
  ) {
    this.pairs = new Rows(spill);
    this.table = new SplitTable(config);
  }

  add(pair: Pair): void {
    this.size += 1;
    const flaw = flawOf(pair);
    if (flaw !== null) return this.drop(formatDropped(pair, flaw));
    const answer = Int32Array.from(encodeText(pair.response));
    this.pairs.add(pair);
    this.turns.push(digest([pair.instruction, pair.response]));
    this.table.add(pair);
    this.answers.starts.push(this.spill.append(new Uint8Array(answer.buffer)));
    this.answers.sizes.push(answer.length);
  }

  /** When all are there. Pauses now and then: the answers are read several times. */
  *settle(): Generator<void, void, undefined> {
    this.order = this.pairs.ids.sorted();
    this.splits = new Uint8Array(this.pairs.size);
    const rank = new Uint32Array(this.pairs.size);
    this.order.forEach((row, at) => (rank[row] = at));
    for (const group of this.turns.groups()) {
      if (group.length === 1) continue;
      const [first, ...others] = group.slice().sort((a, b) => rank[a]! - rank[b]!);
      for (const row of others) this.lose(row, 'same_turn', this.pairs.ids.hex(first!));
    }
    yield;
    this.place();
    yield;
    yield* this.decontaminate();
  }

  /** Ascending by id. */
  *kept(): Generator<KeptPair, void, undefined> {
    for (const row of this.order) {
      const split = SPLITS[this.splits[row]!];
      if (split !== undefined) yield { pair: this.pairs.at(row), split, answer: this.answer(row) };
    }
  }

  count(split: Split): number {
    return this.rows(split).length;
  }

  /** Answers of validation and test. */
  heldAnswers(): Iterable<Int32Array> {
    return this.answersOf(HELD.flatMap((split) => [...this.rows(split)]));
  }

  /** Same turns are gone before clusters are looked at, so that no pair is lost to one that is not there. */
  private place(): void {
    const { by, placeOf } = this.table.assign((row) => this.splits[row] !== GONE);
    this.by = by;
    for (const row of this.order) {
      if (this.splits[row] === GONE) continue;
      const place = placeOf(row);
      if (place === 'crossing') this.lose(row, 'crosses_split', this.pairs.at(row).cluster);
      else this.splits[row] = SPLITS.indexOf(place);
    }
  }

  /** Takes out held-out pairs whose answer shares a long run with a training answer, or, in validation, with a test answer. */
  private *decontaminate(): Generator<void, void, undefined> {
    const against = [...this.rows('train')];
    let dropped = 0;
    for (const split of HELD) {
      const rows = [...this.rows(split)];
      const shared = yield* this.shared(rows, against, MAX_SHARED_TOKENS);
      rows.forEach((row, at) => {
        if (shared[at] === 0) return void against.push(row);
        dropped += 1;
        this.lose(row, 'contaminated');
      });
    }
    const train = this.rows('train');
    const held = HELD.flatMap((split) => [...this.rows(split)]);
    const count = (shared: Uint8Array): number => shared.reduce((sum, one) => sum + one, 0);
    const remaining = count(yield* this.shared(held, train, MAX_SHARED_TOKENS));
    const shared13 = count(yield* this.shared(held, train, REPORTED_TOKENS));
    this.contamination = { dropped, remaining, shared13, held: held.length };
  }

  private shared(held: Iterable<number>, others: Iterable<number>, size: number): Generator<void, Uint8Array, undefined> {
    return findShared(
      () => this.answersOf(held),
      () => this.answersOf(others),
      size,
    );
  }

  private lose(row: number, reason: string, detail?: string): void {
    this.splits[row] = GONE;
    this.drop(formatDropped({ id: this.pairs.ids.hex(row) }, reason, detail));
  }

  /** Ascending by id. */
  private rows(split: Split): Uint32Array {
    const wanted = SPLITS.indexOf(split);
    return this.order.filter((row) => this.splits[row] === wanted);
  }

  private answer(row: number): Int32Array {
    const size = this.answers.sizes.at(row);
    return new Int32Array(this.spill.read(this.answers.starts.at(row), 4 * size).buffer, 0, size);
  }

  private *answersOf(rows: Iterable<number>): Generator<Int32Array, void, undefined> {
    for (const row of rows) yield this.answer(row);
  }
}
