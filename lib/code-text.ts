// The text of a <pre> on its way to a code block: byte for byte, less what is markup and not code.

/** Longer text than this is no column of line numbers. */
const MAX_NUMBERS = 64;

export class CodeText {
  private parts: string[] = [];
  private breakBefore = false;
  /** Nothing has come since the start tag: the newline straight after it is not text (HTML, tree construction, "pre"). */
  private fresh = true;

  constructor(public language: string | null) {}

  /** A mark to give to `dropNumbers`. */
  get position(): number {
    return this.parts.length;
  }

  /** A start tag inside. */
  open(isBlock: boolean, isPre: boolean): void {
    if (isBlock && this.parts.length > 0) this.breakBefore = true;
    this.fresh = isPre && this.parts.length === 0;
  }

  lineBreak(): void {
    this.fresh = false;
    this.parts.push('\n');
  }

  /** The end tag of a block element: a line of its own, also where no newline says so. */
  closeBlock(): void {
    this.breakBefore = true;
  }

  add(data: string): void {
    let text = this.fresh ? data.replace(/^\r?\n/, '') : data;
    this.fresh = false;
    if (text === '') return;
    if (this.breakBefore) {
      const before = this.parts[this.parts.length - 1];
      if (before !== undefined && !before.endsWith('\n') && !text.startsWith('\n')) this.parts.push('\n');
      this.breakBefore = false;
    }
    if (text.includes('\0')) text = text.replaceAll('\0', '');
    this.parts.push(text);
  }

  /** Takes back what came since `from` when it is a line number. */
  dropNumbers(from: number): void {
    let length = 0;
    for (let index = from; index < this.parts.length; index++) {
      length += this.parts[index]!.length;
      if (length > MAX_NUMBERS) return;
    }
    if (/^[\s\d.:|]*$/.test(this.parts.slice(from).join(''))) this.parts.length = Math.min(this.parts.length, from);
  }

  toString(): string {
    return this.parts.join('');
  }
}
