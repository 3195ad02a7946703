// Code spans of inline Markdown, told by their runs of backticks: a pass over the runs, however many and long they are.

/** A longer one is stray backticks in a text. */
const MAX_SPAN = 2000;

/** A text with what stands between its code spans changed, the spans as they are. */
export const outsideCode = (text: string, change: (part: string) => string): string => {
  if (!text.includes('`')) return change(text);
  const starts: number[] = [];
  const ends: number[] = [];
  for (let at = text.indexOf('`'); at >= 0;) {
    starts.push(at);
    while (text[at] === '`') at += 1;
    ends.push(at);
    at = text.indexOf('`', at);
  }
  // The next run of the same length closes a span; one without is text.
  const closing = new Int32Array(starts.length);
  const newest = new Map<number, number>();
  for (let run = starts.length - 1; run >= 0; run--) {
    const length = ends[run]! - starts[run]!;
    closing[run] = newest.get(length) ?? -1;
    newest.set(length, run);
  }
  let out = '';
  let done = 0;
  for (let run = 0; run < starts.length; run++) {
    const close = closing[run]!;
    if (close < 0 || starts[close]! - ends[run]! > MAX_SPAN) continue;
    out += change(text.slice(done, starts[run])) + text.slice(starts[run], ends[close]);
    done = ends[close]!;
    run = close;
  }
  return out + change(text.slice(done));
};
