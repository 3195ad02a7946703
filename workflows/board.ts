// What the run shows of itself: the progress query, the details page of the UI, the search attributes.
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { Progress } from '../contracts/activities';
import { type Counts, VERBS, type Verb } from '../contracts/artifacts';
import { ATTRIBUTES } from '../contracts/names';

const KEY = {
  stage: defineSearchAttributeKey(ATTRIBUTES.stage, 'KEYWORD'),
  status: defineSearchAttributeKey(ATTRIBUTES.status, 'KEYWORD'),
  name: defineSearchAttributeKey(ATTRIBUTES.name, 'KEYWORD'),
};
const MARK = { waiting: '·', running: '▶', reused: '=', done: '✔', skipped: '–' } as const;

const countText = (counts: Counts): string =>
  Object.entries(counts)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

export class Board {
  /** True once resolveInput has said that the attributes are registered: an unregistered one would loop for ever. */
  attributes = false;
  readonly progress: Progress;
  report: string | null = null;

  constructor() {
    this.progress = {
      status: 'running',
      stage: null,
      stages: VERBS.map((verb) => ({ verb, state: 'waiting', text: '', counts: {} })),
      store: null,
      reason: null,
    };
    this.show();
  }

  private row(verb: Verb): Progress['stages'][number] {
    const row = this.progress.stages.find((stage) => stage.verb === verb);
    if (row === undefined) throw new Error(`no row for ${verb}`);
    return row;
  }

  named(name: string): void {
    if (this.attributes)
      upsertSearchAttributes([
        { key: KEY.name, value: name },
        { key: KEY.status, value: 'running' },
      ]);
  }

  begin(verb: Verb, text = ''): void {
    const row = this.row(verb);
    if (row.state === 'waiting' || row.state === 'reused') {
      row.state = 'running';
      if (this.attributes) upsertSearchAttributes([{ key: KEY.stage, value: verb }]);
    }
    this.progress.stage = verb;
    row.text = text;
    this.show();
  }

  end(verb: Verb, counts: Counts[], reused: boolean): void {
    const row = this.row(verb);
    row.state = reused ? 'reused' : 'done';
    row.text = '';
    row.counts = sumCounts(counts);
    this.show();
  }

  close(status: Progress['status'], reason: string | null): void {
    this.progress.status = status;
    this.progress.reason = reason;
    for (const row of this.progress.stages) if (row.state === 'waiting') row.state = 'skipped';
    if (this.attributes) upsertSearchAttributes([{ key: KEY.status, value: status }]);
    this.show();
  }

  status(status: Progress['status'], reason: string | null): void {
    this.progress.status = status;
    this.progress.reason = reason;
    this.show();
  }

  /** Markdown for the run's page. */
  show(): void {
    const { status, reason, stages, store } = this.progress;
    const rows = stages.map((row) => `| ${MARK[row.state]} | ${row.verb} | ${row.state} | ${row.text || countText(row.counts)} |`);
    setCurrentDetails(
      [
        `**${status.replaceAll('_', ' ')}**${reason === null ? '' : `: ${reason}`}`,
        '',
        '| | stage | state | |',
        '|---|---|---|---|',
        ...rows,
        '',
        ...(store === null ? [] : [`Store: \`${store}\``]),
        ...(this.report === null ? [] : [`Report: \`${this.report}\``]),
      ].join('\n'),
    );
  }
}

/** Adds counts of the same name. */
export const sumCounts = (all: Counts[]): Counts => {
  const sum: Counts = {};
  for (const counts of all) for (const [name, value] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + value;
  return sum;
};
