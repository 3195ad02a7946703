// Which candidates become pairs: one of each question, one of each answer, no page and no kind that drowns the rest. Texts
// wait in a spill; what decides is columns, about 200 bytes a candidate.
import { type Dropped, type Pair, RECORD_SCHEMA } from '../contracts/records';
import { plain } from './blocks';
import { HashColumn, NumberColumn } from './columns';
import { sha256 } from './hash';
import type { PairReason } from './score';
import { Rows, type Spill } from './spill';

/** Of pairs that ask or say the same, the one that asks for more in particular. */
const PARTICULAR: readonly Pair['kind'][] = ['faq', 'code', 'option', 'signature', 'definition', 'llm', 'heading'];

export interface Quotas {
  maxPerPage: number;
  /** Most of all pairs that one kind may be, 0 to 1. */
  maxKindShare: number;
}

/** What a question asks, however it is spelled. */
const asked = (instruction: string): string =>
  plain(instruction)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/**
 * How many pairs of a kind may stay, so that no kind is more than `share` of those that stay. Where there are too few kinds for that
 * (two kinds, a share of 0.3), all are cut to the same number.
 */
const mostOfKind = (counts: readonly number[], share: number): number => {
  const there = counts.filter((count) => count > 0);
  const fair = Math.max(share, 1 / there.length);
  // What stays grows more slowly than the limit, so below the last limit that holds all hold.
  let [low, high] = [0, Math.max(0, ...there)];
  while (low < high) {
    const most = Math.ceil((low + high) / 2);
    const stay = there.reduce((sum, count) => sum + Math.min(count, most), 0);
    // The rounding of a share such as 0.1 must not cost a pair.
    if (most <= fair * stay + 1e-6) low = most;
    else high = most - 1;
  }
  return low;
};

export class PairTable {
  /** Of the rules and of settle(), by reason. */
  readonly reasons: Record<string, number> = {};
  /** Pairs, and what the rules refused. */
  candidates = 0;
  /** Pairs that stay, by kind. */
  readonly kinds: Record<string, number> = {};
  private readonly pairs: Rows<Pair>;
  private readonly dropped: Rows<Dropped>;
  private readonly questions = new HashColumn(16);
  private readonly answers = new HashColumn(16);
  private readonly pages = new HashColumn(16);
  private readonly scores = new NumberColumn();
  private readonly kind = new NumberColumn();
  private alive: Uint8Array = new Uint8Array();
  /** Rows by id, and the place of each among them. */
  private order: Uint32Array = new Uint32Array();
  private rank: Uint32Array = new Uint32Array();

  constructor(spill: Spill) {
    this.pairs = new Rows(spill);
    this.dropped = new Rows(spill);
  }

  add(found: { pair: Pair } | { dropped: Dropped }): void {
    if ('dropped' in found) {
      if (found.dropped.of === 'pair') this.candidates += 1;
      this.drop(found.dropped);
      return;
    }
    const { pair } = found;
    this.candidates += 1;
    this.pairs.add(pair);
    this.questions.push(sha256(asked(pair.instruction)));
    this.answers.push(sha256(pair.response));
    this.pages.push(pair.pageId);
    this.scores.push(pair.score);
    this.kind.push(PARTICULAR.indexOf(pair.kind));
  }

  /** Call it once, when all are there. @returns how many pairs stay */
  settle({ maxPerPage, maxKindShare }: Quotas): number {
    const size = this.pairs.size;
    this.alive = new Uint8Array(size).fill(1);
    this.rank = new Uint32Array(size);
    this.order = this.pairs.ids.sorted();
    this.order.forEach((row, at) => (this.rank[row] = at));
    for (const [column, reason] of [
      [this.questions, 'duplicate_question'],
      [this.answers, 'duplicate_response'],
    ] as const)
      for (const group of column.groups()) {
        if (group.length === 1) continue;
        const [survivor, ...others] = this.living(group).sort(this.bestOfEqual);
        for (const row of others) this.lose(row, reason, this.pairs.ids.hex(survivor!));
      }
    for (const group of this.pages.groups()) this.keepMost(group, maxPerPage, 'quota_page');
    const kinds = PARTICULAR.map((_, kind) => this.order.filter((row) => this.alive[row] === 1 && this.kind.at(row) === kind));
    const most = mostOfKind(
      kinds.map(({ length }) => length),
      maxKindShare,
    );
    for (const rows of kinds) this.keepMost(rows, most, 'quota_kind');
    PARTICULAR.forEach((name, kind) => {
      const count = this.order.reduce((sum, row) => sum + (this.alive[row] === 1 && this.kind.at(row) === kind ? 1 : 0), 0);
      if (count > 0) this.kinds[name] = count;
    });
    return this.count();
  }

  /** Pairs that stay, ascending by id. */
  *lines(): Generator<Buffer, void, undefined> {
    for (const row of this.order) if (this.alive[row] === 1) yield this.pairs.line(row);
  }

  /** Fates ascending by id. */
  droppedLines(): Generator<Buffer, void, undefined> {
    return this.dropped.lines();
  }

  get lost(): number {
    return this.dropped.size;
  }

  private count(): number {
    return this.alive.reduce((sum, lives) => sum + lives, 0);
  }

  private keepMost(rows: Uint32Array, most: number, reason: PairReason): void {
    if (rows.length > most) for (const row of this.living(rows).sort(this.best).subarray(most)) this.lose(row, reason, null);
  }

  private lose(row: number, reason: PairReason, survivor: string | null): void {
    this.alive[row] = 0;
    const { id, instruction } = this.pairs.at(row);
    const detail = survivor === null ? instruction : `${survivor} ${instruction}`;
    this.drop({ schema: RECORD_SCHEMA, id, of: 'pair', stage: 'pair', reason, detail });
  }

  private drop(dropped: Dropped): void {
    this.reasons[dropped.reason] = (this.reasons[dropped.reason] ?? 0) + 1;
    this.dropped.add(dropped);
  }

  private living(rows: Uint32Array): Uint32Array {
    return rows.filter((row) => this.alive[row] === 1);
  }

  private readonly best = (a: number, b: number): number => this.scores.at(b) - this.scores.at(a) || this.rank[a]! - this.rank[b]!;
  private readonly bestOfEqual = (a: number, b: number): number =>
    this.scores.at(b) - this.scores.at(a) || this.kind.at(a) - this.kind.at(b) || this.rank[a]! - this.rank[b]!;
}
