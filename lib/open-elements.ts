// The stack of open elements: implied end tags, void elements, end tags that match nothing, and content of SVG and MathML.
import { NO_ATTRIBUTES, type Attributes, type HtmlHandler } from './html-events';
import { TAG_COUNT, tagOf, type Tag } from './tags';

const P = tagOf('p');
const BR = tagOf('br');

export class OpenElements {
  private readonly stack: Tag[] = [];
  /** What the content of each open element is. */
  private readonly spaces: ('svg' | 'math' | 'html')[] = ['html'];
  /** How many of a known element are open, by index: an end tag without one is ignored without a search. */
  private readonly counts = new Int32Array(TAG_COUNT);
  private headings = 0;
  private readonly unknown = new Map<string, number>();

  constructor(private readonly handler: HtmlHandler) {}

  get innermost(): Tag | undefined {
    return this.stack[this.stack.length - 1];
  }

  /** Whether what comes next is SVG or MathML: empty-element tags and CDATA mean something there. */
  get inForeign(): boolean {
    return this.spaces[this.spaces.length - 1] !== 'html';
  }

  open(tag: Tag, attributes: Readonly<Attributes>, selfClosing: boolean): void {
    if (tag.name === 'form' && this.isOpen(tag)) return;
    if (tag.ends !== null) {
      for (let top = this.stack[this.stack.length - 1]; top !== undefined && tag.ends.has(top.name);) {
        this.pop();
        top = this.stack[this.stack.length - 1];
      }
    }
    if (tag.isVoid) {
      this.handler.open(tag, attributes);
      this.handler.close(tag);
      return;
    }
    const around = this.spaces[this.spaces.length - 1]!;
    this.stack.push(tag);
    this.spaces.push(tag.name === 'foreignobject' && around === 'svg' ? 'html' : (tag.space ?? around));
    this.count(tag, 1);
    this.handler.open(tag, attributes);
    if (selfClosing && this.inForeign) this.pop();
  }

  close(tag: Tag): void {
    if (tag.isVoid) {
      // </br> is a line break to every browser.
      if (tag.name === 'br') {
        this.handler.open(BR, NO_ATTRIBUTES);
        this.handler.close(BR);
      }
      return;
    }
    if (tag.level > 0 && this.headings > 0) {
      // The end tag of any heading ends the open one, whatever its level (HTML, tree construction, "in body").
      while (this.innermost!.level === 0) this.pop();
      this.pop();
    } else if (this.isOpen(tag)) {
      while (this.stack[this.stack.length - 1]!.name !== tag.name) this.pop();
      this.pop();
    } else if (tag.name === 'p') {
      this.open(P, NO_ATTRIBUTES, false);
      this.pop();
    }
  }

  closeAll(): void {
    while (this.stack.length > 0) this.pop();
  }

  /** Ends the innermost element. */
  pop(): void {
    const tag = this.stack.pop()!;
    this.spaces.pop();
    this.count(tag, -1);
    this.handler.close(tag);
  }

  private isOpen(tag: Tag): boolean {
    return tag.index >= 0 ? this.counts[tag.index]! > 0 : (this.unknown.get(tag.name) ?? 0) > 0;
  }

  private count(tag: Tag, by: 1 | -1): void {
    if (tag.level > 0) this.headings += by;
    if (tag.index >= 0) this.counts[tag.index]! += by;
    else {
      const left = (this.unknown.get(tag.name) ?? 0) + by;
      if (left === 0) this.unknown.delete(tag.name);
      else this.unknown.set(tag.name, left);
    }
  }
}
