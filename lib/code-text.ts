// The text of a <pre> on its way to a code block: byte for byte, less what is markup and not code.

/** Longer text than this is no line number, unless it counts. */
const MAX_NUMBER = 64;
/** Nor a column of them: some 20,000 lines. */
const MAX_NUMBERS = 100_000;

/** 1, 2, 3, ... from any number on. */
const counts = (text: string): boolean => {
  const numbers = text.trim().split(/\s+/);
  return numbers.every((number, at) => /^\d{1,6}$/.test(number) && Number(number) === Number(numbers[0]) + at);
};

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

  /**
   * The end tag of a block element: a line of its own, also where no newline says so.
   * @param from `position` at its start tag
   * @param isLine it is shown as a line even when it is empty
   */
  closeBlock(from: number, isLine: boolean): void {
    const before = this.parts[from - 1];
    const isEmpty = this.parts.length === from;
    // One that holds a newline and nothing else is an empty line, whose newline stood for the break before it.
    const isNewline = this.parts.length === from + 1 && /^\r?\n$/.test(this.parts[from]!);
    if (before !== undefined && ((isEmpty && isLine) || isNewline)) {
      if (!before.endsWith('\n')) this.parts.push('\n');
      if (isEmpty) this.parts.push('\n');
    }
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

  /** Takes back what came since `from` when it is a line number, or a column of them. */
  dropNumbers(from: number): void {
    let length = 0;
    for (let index = from; index < this.parts.length; index++) {
      const part = this.parts[index]!;
      length += part.length;
      if (length > MAX_NUMBERS || !/^[\s\d.:|]*$/.test(part)) return;
    }
    if (length > MAX_NUMBER && !counts(this.parts.slice(from).join(''))) return;
    this.parts.length = Math.min(this.parts.length, from);
  }

  toString(): string {
    return this.parts.join('');
  }
}
