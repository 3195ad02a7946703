// The stages of a run as lines of text: for a terminal, a log, or --json.
import type { Progress } from '../contracts/activities';
import { STAGES } from '../contracts/stages';
import { countsText, grouped } from '../lib/wording';
import { duration, type Output } from './output';

/** What a running activity said last in its heartbeat. */
export interface Beat {
  step?: number;
  steps?: number;
  loss?: number;
  tokensPerSecond?: number;
  memoryBytes?: number;
  etaSeconds?: number;
  text?: string;
  done?: number;
  total?: number | null;
  [count: string]: unknown;
}

type Row = Progress['stages'][number];

const MARK = { waiting: '·', running: '▶', reused: '=', done: '✔', skipped: '–' } as const;
const COLOUR = { waiting: 'dim', running: 'cyan', reused: 'green', done: 'green', skipped: 'dim' } as const;

const bar = (share: number, width = 16): string => {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return `${'█'.repeat(full)}${'░'.repeat(width - full)}`;
};

/** One phrase for what a running stage does now; '' when nothing is known. */
export const beatText = (beat: Beat | undefined): string => {
  if (beat === undefined) return '';
  const { step, steps, loss, tokensPerSecond, memoryBytes, etaSeconds, text, done, total } = beat;
  if (step !== undefined && steps !== undefined) {
    const parts = [`${bar(step / steps)} step ${step}/${steps}`];
    if (loss !== undefined) parts.push(`loss ${loss.toFixed(3)}`);
    if (tokensPerSecond !== undefined) parts.push(`${grouped(Math.round(tokensPerSecond))} tok/s`);
    if (memoryBytes !== undefined) parts.push(`${(memoryBytes / 2 ** 30).toFixed(1)} GiB`);
    if (etaSeconds !== undefined) parts.push(`${duration(etaSeconds * 1000)} left`);
    return parts.join('  ');
  }
  if (done !== undefined && typeof total === 'number' && total > 0) return `${bar(done / total)} ${done}/${total}  ${text ?? ''}`.trimEnd();
  if (text !== undefined) return text;
  const counts = Object.entries(beat).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return countsText(Object.fromEntries(counts));
};

const what = (row: Row, beat: Beat | undefined): string => {
  if (row.state === 'waiting') return STAGES[row.verb].summary;
  if (row.state === 'running') return beatText(beat) || row.text || STAGES[row.verb].summary;
  if (row.state === 'reused') return `reused: ${countsText(row.counts)}`;
  return countsText(row.counts);
};

export interface StageLine {
  row: Row;
  /** The run is over: a stage that was running did not get done. */
  over?: boolean;
  beat: Beat | undefined;
  /** Milliseconds that it has run, as far as this command saw. */
  elapsedMs: number | null;
}

/** One line of the table, cut to the terminal. */
export const stageLine = ({ row, beat, elapsedMs, over = false }: StageLine, output: Pick<Output, 'style' | 'width'>): string => {
  const time = elapsedMs === null || row.state === 'reused' ? '' : duration(elapsedMs);
  const room = Math.max(20, output.width - 28);
  const text = what(row, beat);
  const cut = text.length > room ? `${text.slice(0, room - 1)}…` : text;
  const body = `${row.verb.padEnd(9)} ${time.padStart(12)}  ${cut}`;
  const dim = row.state === 'waiting' || row.state === 'skipped';
  const stopped = over && row.state === 'running';
  return `${stopped ? output.style('red', '✘') : output.style(COLOUR[row.state], MARK[row.state])} ${dim ? output.style('dim', body) : body}`;
};
