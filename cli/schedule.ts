// `retune schedule`: a run that starts by itself, every night for example.
import {
  type ScheduleDescription,
  type ScheduleHandle,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type ScheduleOptions,
} from '@temporalio/client';
import { queues, WORKFLOWS } from '../contracts/names';
import type { Config } from '../io/config';
import type { Command, Context } from './command';
import { JSON_OPTION, parse } from './command';
import { requireServer, type Server } from './connection';
import { CommandFailed, EXIT, UsageError } from './exit';
import { readRawInput, SOURCE_OPTIONS } from './raw-input';

const OPTIONS = {
  ...JSON_OPTION,
  ...SOURCE_OPTIONS,
  preset: { type: 'string' },
  set: { type: 'string', multiple: true },
  cron: { type: 'string' },
  every: { type: 'string' },
  timezone: { type: 'string', default: 'UTC' },
  jitter: { type: 'string', default: '10m' },
  catchup: { type: 'string', default: '6h' },
  note: { type: 'string' },
} as const;
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const LEAST_CATCHUP_MS = 10_000; // the server raises anything shorter

/** Milliseconds of 30s, 10m, 6h, 1d. */
export const parseSpan = (option: string, text: string): number => {
  const match = /^(\d+)([smhd])$/.exec(text);
  if (match === null) throw new UsageError(`--${option} ${text}: write a number with s, m, h or d, for example 10m`);
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
};

/** Offset of a zone from UTC at a moment, as "GMT+2". @throws UsageError for an unknown zone */
const offsetAt = (timezone: string, date: Date): string => {
  try {
    const parts = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'shortOffset' }).formatToParts(date);
    return parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
  } catch {
    throw new UsageError(`--timezone ${timezone}: no such time zone; write UTC or a name such as Europe/Berlin`);
  }
};

/**
 * A warning where a time may not exist: on the night the clocks go forward the server skips such a run without a word.
 * @param year any year with the zone's present rules
 */
export const clockChangeWarning = (cron: string, timezone: string, year: number): string | null => {
  if (offsetAt(timezone, new Date(Date.UTC(year, 0, 15))) === offsetAt(timezone, new Date(Date.UTC(year, 6, 15)))) return null;
  const hour = cron.trim().split(/\s+/)[1] ?? '*';
  const within = hour.split(',').some((part) => /^0?[123](-\d+)?$/.test(part));
  return within
    ? `between 01:00 and 03:59 in ${timezone} a run is left out, or doubled, on the nights the clocks change; UTC or another hour avoids it`
    : null;
};

const optionsOf = (
  id: string,
  raw: unknown,
  config: Config,
  values: ReturnType<typeof parse<typeof OPTIONS>>['values'],
): ScheduleOptions => {
  if ((values.cron === undefined) === (values.every === undefined)) throw new UsageError('give either --cron "0 4 * * *" or --every 6h');
  if (values.cron !== undefined && ![5, 6, 7].includes(values.cron.trim().split(/\s+/).length))
    throw new UsageError(`--cron ${values.cron}: write five fields, minute hour day month weekday, for example "0 4 * * *"`);
  const catchup = parseSpan('catchup', values.catchup);
  if (catchup < LEAST_CATCHUP_MS) throw new UsageError(`--catchup ${values.catchup}: at least 10s`);
  return {
    scheduleId: id,
    spec: {
      ...(values.cron === undefined ? {} : { cronExpressions: [values.cron] }),
      ...(values.every === undefined ? {} : { intervals: [{ every: parseSpan('every', values.every) }] }),
      timezone: values.timezone,
      jitter: parseSpan('jitter', values.jitter),
    },
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOWS.pipeline,
      workflowId: id,
      taskQueue: queues(config.queuePrefix).main,
      args: [raw],
      staticSummary: `retune schedule ${id}`,
    },
    // SKIP: a night that is still training must not get a second one beside it. The server's own window is a year.
    policies: { overlap: 'SKIP', catchupWindow: catchup },
  };
};

const handleOf = async (server: Server, id: string): Promise<{ handle: ScheduleHandle; description: ScheduleDescription }> => {
  const handle = server.client.schedule.getHandle(id);
  const description = await handle.describe().catch((error: unknown) => {
    if (error instanceof ScheduleNotFoundError) throw new CommandFailed(`there is no schedule ${id}; npx retune schedule show lists them`);
    throw error;
  });
  return { handle, description };
};

const describe = (description: ScheduleDescription): Record<string, string | number | boolean | null | string[]> => ({
  schedule: description.scheduleId,
  paused: description.state.paused,
  note: description.state.note ?? null,
  timezone: description.spec.timezone ?? 'UTC',
  overlap: String(description.policies.overlap),
  next: description.info.nextActionTimes.slice(0, 3).map((time) => time.toISOString()),
  started: description.info.numActionsTaken,
  skippedOverlap: description.info.numActionsSkippedOverlap,
  missedCatchup: description.info.numActionsMissedCatchupWindow,
  running: description.info.runningActions.map((action) => action.workflow.workflowId),
  recent: description.info.recentActions.slice(-3).map((action) => action.action.workflow.workflowId),
});

const set = async (
  server: Server,
  id: string,
  args: string[],
  values: ReturnType<typeof parse<typeof OPTIONS>>['values'],
  { config, output }: Context,
): Promise<void> => {
  const raw = await readRawInput({ file: args[0], preset: values.preset, set: values.set ?? [], source: values });
  const options = optionsOf(id, raw, config(), values);
  const warning = values.cron === undefined ? null : clockChangeWarning(values.cron, values.timezone, new Date().getUTCFullYear());
  offsetAt(values.timezone, new Date());
  if (warning !== null) output.note(`warning: ${warning}`);
  let verb = 'created';
  await server.client.schedule.create(options).catch(async (error: unknown) => {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    verb = 'updated';
    await server.client.schedule.getHandle(id).update((previous) => ({
      ...previous,
      spec: options.spec,
      action: options.action,
      policies: { ...previous.policies, ...options.policies },
    }));
  });
  const { description } = await handleOf(server, id);
  const next = description.info.nextActionTimes[0];
  output.line(`schedule ${id} ${verb}; next run ${next === undefined ? 'never' : next.toISOString()}. A run needs workers: npx retune up`);
  output.event({ type: 'result', ...describe(description), outcome: verb });
};

const show = async (server: Server, id: string | undefined, { output }: Context): Promise<void> => {
  const ids = id === undefined ? [] : [id];
  if (id === undefined) for await (const one of server.client.schedule.list()) ids.push(one.scheduleId);
  if (ids.length === 0) output.line('no schedules; npx retune schedule set nightly input.json --cron "0 4 * * *" makes one');
  const all = [];
  for (const one of ids) {
    const fields = describe((await handleOf(server, one)).description);
    all.push(fields);
    output.line(output.style('bold', one));
    for (const [name, value] of Object.entries(fields).slice(1))
      output.line(`  ${name.padEnd(16)}${Array.isArray(value) ? value.join(', ') || '-' : String(value ?? '-')}`);
  }
  output.event({ type: 'result', schedules: all });
};

const trigger = async (server: Server, id: string, { output }: Context): Promise<void> => {
  const { handle, description } = await handleOf(server, id);
  // The SDK's own default would start a second run beside one that is going.
  await handle.trigger('SKIP');
  for (let look = 0; look < 20; look += 1) {
    const { info } = await handle.describe();
    const newest = info.recentActions.at(-1)?.action.workflow.workflowId;
    if (info.numActionsTaken > description.info.numActionsTaken) {
      output.line(`started ${newest ?? id}`);
      output.event({ type: 'result', schedule: id, outcome: 'started', runId: newest });
      return;
    }
    if (info.numActionsSkippedOverlap > description.info.numActionsSkippedOverlap) break;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  output.line(`not started: a run of ${id} is still going`);
  output.event({ type: 'result', schedule: id, outcome: 'skipped' });
};

export const schedule: Command = {
  usage: 'set <id> [input.json|-] --cron "0 4 * * *" | show [id] | pause <id> | unpause <id> | trigger <id> | delete <id>',
  help: [
    'set takes the input as `run` does (--preset, --set, --sitemap ...) and makes or changes the schedule:',
    '  --cron "0 4 * * *" | --every 6h   when',
    '  --timezone UTC                    for --cron',
    '  --jitter 10m                      starts up to this much later, so that not everybody starts at once',
    '  --catchup 6h                      a start missed by less than this (no server) is made up for',
    "A start while the previous run is going is skipped; the run's date is the scheduled time.",
    'pause --note text keeps a note. delete leaves runs that are going alone.',
  ],
  async run(args, context) {
    const { values, positionals } = parse(args, OPTIONS, { min: 1, max: 3 });
    const [action, id, ...rest] = positionals;
    const actions = ['set', 'show', 'pause', 'unpause', 'trigger', 'delete'];
    if (action === undefined || !actions.includes(action))
      throw new UsageError(`schedule ${action ?? ''}: choose among ${actions.join(', ')}`);
    if (id === undefined && action !== 'show') throw new UsageError(`schedule ${action}: name the schedule`);
    if (rest.length > 0 && action !== 'set') throw new UsageError(`too many words: ${rest.join(' ')}`);
    const server = await requireServer(context.config());
    try {
      if (action === 'show') await show(server, id, context);
      else if (id === undefined) throw new UsageError('name the schedule');
      else if (action === 'set') await set(server, id, rest, values, context);
      else if (action === 'trigger') await trigger(server, id, context);
      else {
        const { handle } = await handleOf(server, id);
        if (action === 'pause') await handle.pause(values.note ?? 'paused by retune schedule pause');
        else if (action === 'unpause') await handle.unpause();
        else await handle.delete();
        context.output.line(`schedule ${id}: ${action === 'delete' ? 'deleted' : `${action}d`}`);
        context.output.event({ type: 'result', schedule: id, outcome: action });
      }
      return EXIT.ok;
    } finally {
      await server.close();
    }
  },
};
