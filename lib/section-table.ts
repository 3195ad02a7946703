// The sections of all shards as columns, about 130 bytes each whatever their text: what the merge of duplicates works on.
import type { Signed } from './sign';

const REASONS = [null, 'boilerplate', 'too_short'] as const;
const HASH = 32;

/** Rows are added shard by shard, then ranked by id; a rank does not depend on the shards. */
export class SectionTable {
  size = 0;
  /** By rank: the row. */
  order = new Uint32Array();
  private readonly ids: Buffer;
  private readonly texts: Buffer;
  private readonly numbers: Record<'shard' | 'gone' | 'chars' | 'page' | 'pageSections' | 'grams' | 'lineBytes', Uint32Array>;
  /** In their shard's file: grams by number, lines by byte. */
  private readonly starts: Record<'grams' | 'line', Float64Array>;
  private readonly urls: string[] = [];
  private readonly pages = new Map<string, number>();
  private shardStart = { shard: -1, grams: 0, line: 0 };

  /** @param capacity number of rows that will come */
  constructor(capacity: number) {
    const column = (): Uint32Array => new Uint32Array(capacity);
    this.ids = Buffer.alloc(HASH * capacity);
    this.texts = Buffer.alloc(HASH * capacity);
    this.numbers = {
      shard: column(),
      gone: column(),
      chars: column(),
      page: column(),
      pageSections: column(),
      grams: column(),
      lineBytes: column(),
    };
    this.starts = { grams: new Float64Array(capacity), line: new Float64Array(capacity) };
  }

  add(shard: number, row: Signed): void {
    const at = this.size++;
    if (this.shardStart.shard !== shard) this.shardStart = { shard, grams: 0, line: 0 };
    this.ids.write(row.id, HASH * at, 'hex');
    this.texts.write(row.textSha256, HASH * at, 'hex');
    let page = this.pages.get(row.pageId);
    if (page === undefined) {
      page = this.urls.push(row.url) - 1;
      this.pages.set(row.pageId, page);
    }
    const { numbers, starts, shardStart } = this;
    numbers.shard[at] = shard;
    numbers.gone[at] = REASONS.indexOf(row.gone);
    numbers.chars[at] = row.chars;
    numbers.page[at] = page;
    numbers.pageSections[at] = row.pageSections;
    numbers.grams[at] = row.grams;
    numbers.lineBytes[at] = row.lineBytes;
    starts.grams[at] = shardStart.grams;
    starts.line[at] = shardStart.line;
    shardStart.grams += row.grams;
    shardStart.line += row.lineBytes;
  }

  /** Ranks the rows by id: call it once, when all are there. */
  rank(): void {
    this.pages.clear();
    const { ids } = this;
    // Six bytes decide nearly always; a number compares faster than a buffer.
    const heads = Float64Array.from({ length: this.size }, (_, row) => ids.readUIntBE(HASH * row, 6));
    this.order = Uint32Array.from({ length: this.size }, (_, row) => row).sort(
      (a, b) => heads[a]! - heads[b]! || ids.compare(ids, HASH * b, HASH * (b + 1), HASH * a, HASH * (a + 1)),
    );
  }

  id(rank: number): string {
    const at = HASH * this.order[rank]!;
    return this.ids.toString('hex', at, at + HASH);
  }

  /** Of the page that the section stands on. */
  url(rank: number): string {
    return this.urls[this.numbers.page[this.order[rank]!]!]!;
  }

  gone(rank: number): (typeof REASONS)[number] {
    return REASONS[this.numbers.gone[this.order[rank]!]!]!;
  }

  /** The text's hash as a key. */
  text(rank: number): string {
    const at = HASH * this.order[rank]!;
    return this.texts.toString('latin1', at, at + HASH);
  }

  /** The first 32 bits of each text's hash, by rank. */
  textKeys(): Uint32Array {
    return Uint32Array.from(this.order, (row) => this.texts.readUInt32LE(HASH * row));
  }

  gramsAt(rank: number): { shard: number; start: number; count: number } {
    const row = this.order[rank]!;
    return { shard: this.numbers.shard[row]!, start: this.starts.grams[row]!, count: this.numbers.grams[row]! };
  }

  lineAt(rank: number): { shard: number; start: number; bytes: number } {
    const row = this.order[rank]!;
    return { shard: this.numbers.shard[row]!, start: this.starts.line[row]!, bytes: this.numbers.lineBytes[row]! };
  }

  /**
   * Above 0 when `other` is the better survivor: the longest text, then that of the page with the fewest sections (a page
   * of its own, not the whole manual on one page), then the smallest URL, then the smallest id.
   */
  prefers(survivor: number, other: number): number {
    const [a, b] = [this.order[survivor]!, this.order[other]!];
    const { chars, pageSections, page } = this.numbers;
    const [one, two] = [this.urls[page[a]!]!, this.urls[page[b]!]!];
    return chars[b]! - chars[a]! || pageSections[a]! - pageSections[b]! || (one < two ? -1 : one > two ? 1 : 0) || survivor - other;
  }
}
