// The loss mask made visible: each token decoded, in the colour of its role, on a terminal and in HTML.
import { ROLE } from './harmony';
import { Markup, markup } from './markup';
import type { TokenRow } from './token-file';
import { tokenBytes } from './tokens';

export interface TokenText {
  id: number;
  /** '' while the bytes of a character are not whole; the token that completes it carries it. */
  text: string;
  role: number;
}

/** Bytes of a token; lib/tokens for GPT-OSS, lib/vocabulary for other models. */
export type BytesOf = (id: number) => Uint8Array;

/** The tokens of an example with their texts, in order; together they are the whole text. */
export const tokenTexts = ({ ids, roles }: Pick<TokenRow, 'ids' | 'roles'>, bytesOf: BytesOf = tokenBytes): TokenText[] => {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const texts = Array.from({ length: ids.length }, (_, at): TokenText => {
    const [id, role] = [ids[at] ?? 0, roles[at] ?? ROLE.context];
    return { id, role, text: decoder.decode(bytesOf(id), { stream: true }) };
  });
  const rest = decoder.decode();
  const last = texts.at(-1);
  if (last !== undefined) last.text += rest;
  return texts;
};

/** Dim, yellow, green: context, supervised format, supervised content. */
const ANSI: Record<number, string> = { [ROLE.context]: '\u001b[2m', [ROLE.format]: '\u001b[1;33m', [ROLE.content]: '\u001b[32m' };
const RESET = '\u001b[0m';

/** Reverse or reorder text, or cannot be seen: shown by their number, so that what is read is what is trained on. */
const HIDDEN = /[\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g;

/** Control characters of a page must not reach a terminal; they are shown as their Unicode pictures, C1 as U+FFFD. */
export const visible = (text: string): string =>
  text
    .replace(/[^\P{Cc}\n\t]/gu, (sign) => {
      const code = sign.charCodeAt(0);
      return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? '\u2421' : '\ufffd';
    })
    .replace(HIDDEN, (sign) => `⟨U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`);

const ANSI_LEGEND = `${ANSI[ROLE.context]}context${RESET}  ${ANSI[ROLE.format]}supervised format${RESET}  ${ANSI[ROLE.content]}supervised answer${RESET}`;

/**
 * One example for a terminal: text in the colour of its role, then how many tokens are supervised.
 * @param colour false: supervised text stands between ⟦ and ⟧ instead
 */
export const previewAnsi = (row: TokenRow, bytesOf: BytesOf = tokenBytes, colour = true): string => {
  let out = '';
  let current = -1;
  const texts = tokenTexts(row, bytesOf);
  for (const { text, role } of texts) {
    if (colour && role !== current) out += `${current === -1 ? '' : RESET}${ANSI[role] ?? ''}`;
    if (!colour && (role === ROLE.context) !== current <= ROLE.context) out += role === ROLE.context ? '⟧' : '⟦';
    out += visible(text);
    current = role;
  }
  if (colour) out += RESET;
  else if (current > ROLE.context) out += '⟧';
  const count = texts.filter(({ role }) => role !== ROLE.context).length;
  return `${out}\n${count} of ${texts.length} tokens are supervised${colour ? `: ${ANSI_LEGEND}` : ''}\n`;
};

/** One example as HTML: a token is a span, its id the tooltip. MASK_STYLE belongs to it. */
export const maskMarkup = (row: TokenRow, bytesOf: BytesOf = tokenBytes): Markup =>
  markup`<pre class="mask">${tokenTexts(row, bytesOf).map(({ id, text, role }) => markup`<span class="r${role}" title="${id}">${visible(text)}</span>`)}</pre>`;

export const MASK_STYLE = `
.mask { white-space: pre-wrap; overflow-wrap: anywhere; font: 0.85rem/1.7 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.mask span { border-radius: 2px; }
.mask span:hover { outline: 1px solid currentColor; }
.r0 { color: var(--dim, #777); }
.r1 { background: var(--mask-format, #ffe9a8); color: var(--mask-ink, #222); }
.r2 { background: var(--mask-content, #c9f2d0); color: var(--mask-ink, #222); }
@media (prefers-color-scheme: dark) { :root { --mask-format: #5c4a12; --mask-content: #1d4a2a; --mask-ink: #eee; } .r0 { color: var(--dim, #999); } }
`;

const PREVIEW_STYLE = `
:root { color-scheme: light dark; --line: #ddd; --dim: #666; --accent: #2458c5; --soft: #f3f1ec; }
@media (prefers-color-scheme: dark) { :root { --line: #3a3d42; --dim: #9aa0a8; --accent: #86aaf5; --soft: #262a2f; } }
* { box-sizing: border-box; }
body { max-width: 66rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 2.5rem 0 .5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .4rem; }
.quiet { color: var(--dim); font-size: .9rem; margin: .2rem 0; }
.bars { border-collapse: collapse; table-layout: fixed; width: min(44rem, 100%); font-size: .9rem; }
.bars th { font-weight: 400; text-align: left; width: 14rem; padding: .1rem .8rem .1rem 0; }
.bars td.n { width: 5rem; padding-left: .6rem; font-variant-numeric: tabular-nums; }
.bar { display: block; height: .8rem; min-width: 2px; border-radius: 2px; background: var(--accent); opacity: .75; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 0 1.5rem; }
.sample { border-left: 3px solid var(--line); padding-left: 1rem; margin: 1rem 0; min-width: 0; }
.question { font-weight: 600; margin: .2rem 0; overflow-wrap: anywhere; }
.sample pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; font-size: .9rem; margin: .3rem 0; max-height: 22rem; overflow: auto; }
.mask { border: 1px solid var(--line); border-radius: 6px; padding: .7rem .9rem; }
`;

/**
 * A page of its own: the masks of some examples, and what the split is made of.
 * @param summary of lib/preview-statistics; null: masks alone
 */
export const previewHtml = (rows: readonly TokenRow[], bytesOf: BytesOf = tokenBytes, summary: Markup | null = null): string =>
  markup`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>What is trained on</title><style>
${new Markup(PREVIEW_STYLE)}${new Markup(MASK_STYLE)}</style></head>
<body>
${summary}<h1>What is trained on</h1>
<p><span class="r0">context</span> is read, <span class="r1">format</span> and <span class="r2">answer</span> are what the model learns to write.</p>
${rows.map((row) => markup`<h2>${row.example.slice(0, 12)}</h2>${maskMarkup(row, bytesOf)}`)}
</body>
</html>
`.html;
