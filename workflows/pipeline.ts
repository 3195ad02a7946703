// The whole lifecycle, the stages top to bottom: URLs in, a published model out. Starting it again with the same
// input resumes it: every finished stage is found by its key.
import {
  ApplicationFailure,
  CancelledFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  setHandler,
  defineQuery,
  workflowInfo,
} from '@temporalio/workflow';
import type { CpuActivities, Progress, Resolved, RunIdentity } from '../contracts/activities';
import type { BaseModel, PipelineResult, RunRecord, RunStatus, StageRef, Verb } from '../contracts/artifacts';
import { ARTIFACT_SCHEMA } from '../contracts/artifacts';
import { QUERY_PROGRESS, queues } from '../contracts/names';
import { deed, keyedDeed, SHARD, SMALL } from '../contracts/policies';
import type { RawInput } from '../contracts/raw-input';
import { ApprovalDesk } from './approval';
import { Board } from './board';
import { collect, requireEnough } from './collect';
import { heldReason, isUnchanged, lastOf, runDate } from './decisions';
import { dedupShards } from './dedup';
import { runFailure } from './failures';
import { type GpuVerb, runOnDevice } from './gpu';
import { inGroups } from './groups';
import { leftOut, resultOf } from './result';
import { stage, type StageContext } from './stage';

const small = proxyActivities<CpuActivities>(SMALL);

interface Ending {
  status: RunStatus;
  reason: string | null;
}

class Pipeline {
  private readonly board = new Board();
  private readonly desk = new ApprovalDesk();
  private readonly run: RunIdentity;
  private readonly record: RunRecord;
  private readonly reused: Partial<Record<Verb, boolean>> = {};
  private resolved: Resolved | null = null;
  /** Queue of the device that trained. */
  private device: string | null = null;

  constructor(private readonly raw: unknown) {
    const info = workflowInfo();
    this.run = { runId: info.workflowId, executionId: info.runId };
    this.record = {
      schema: ARTIFACT_SCHEMA,
      ...this.run,
      raw: raw ?? {},
      input: null,
      base: null,
      date: runDate(),
      stages: {},
      computed: [],
      status: 'running',
      reason: null,
      verdict: null,
      hub: {},
      updatedAt: info.startTime.toISOString(),
    };
    setHandler(defineQuery<Progress>(QUERY_PROGRESS), () => this.board.progress, { description: 'status, stages and counts' });
  }

  async execute(): Promise<PipelineResult> {
    try {
      const ending = await this.stages();
      return await this.close(ending);
    } catch (error) {
      // An activity that failed on its way out of a cancelled run is part of the cancellation.
      if (isCancellation(error) || CancellationScope.current().consideredCancelled) {
        await CancellationScope.nonCancellable(async () => this.close({ status: 'cancelled', reason: 'cancelled by a person' }));
        throw isCancellation(error) ? error : new CancelledFailure('cancelled by a person');
      }
      const failure = runFailure(error);
      await CancellationScope.nonCancellable(async () => this.close({ status: 'failed', reason: `${failure.type}: ${failure.message}` }));
      throw failure;
    }
  }

  private async stages(): Promise<Ending> {
    const resolved = await small.resolveInput(this.raw ?? {}, this.record.date);
    this.resolved = resolved;
    this.record.input = resolved.input;
    this.board.attributes = resolved.searchAttributes;
    this.board.progress.store = resolved.store;
    this.board.named(resolved.input.name);
    const { input, storeId, target } = resolved;
    const context: StageContext = { run: this.run, storeId, input };
    const beat = input.limits.heartbeatSeconds;
    const cpu = proxyActivities<CpuActivities>(keyedDeed(beat));

    // What the new model must not be worse than is read once, so that a publish in between cannot move the question.
    const pointer = await small.readPointer(storeId, target);
    const pages = await this.collect(context);

    this.board.begin('clean');
    const cleaned = await inGroups(
      Object.entries(pages),
      SHARD.children,
      async ([bucket, page]) => [bucket, await stage(context, 'clean', { pages: page }, {}, async (task) => cpu.clean(task))] as const,
    );
    await this.done(
      'clean',
      cleaned.map(([, one]) => one),
    );
    const documents = Object.fromEntries(cleaned.map(([bucket, one]) => [bucket, one.ref]));

    const sections = await this.one(context, 'dedup', documents, {}, dedupShards);
    const llm = input.pair.llm.enabled ? { llm: await small.resolveLlm() } : {};
    const pairs = await this.one(context, 'pair', { sections }, llm, async (task) => cpu.pair(task));

    const base = await proxyActivities<CpuActivities>(deed(beat)).resolveModel({ model: input.model }, beat);
    this.record.base = base;
    const { source, share } = input.mix;
    const mix =
      source === null || share === 0 ? {} : { mix: await proxyActivities<CpuActivities>(deed(beat)).resolveMix({ storeId, source }) };
    const format = await this.one(
      context,
      'format',
      { pairs },
      { tokenizer: base.tokenizerDigest, template: base.templateDigest, family: base.family, ...mix },
      async (task) => cpu.format(task, base),
    );
    const train = await this.onGpu(context, 'train', { format }, { weights: base.weightsDigest }, base);

    if (isUnchanged(pointer, train, resolved)) {
      const pushed = await this.push(resolved, pointer.prepared);
      return pushed ?? { status: 'unchanged', reason: 'nothing changed since the last published model' };
    }
    const evaluate = await this.onGpu(
      context,
      'evaluate',
      { format, train, ...lastOf(pointer, train, base) },
      { weights: base.weightsDigest },
      base,
    );
    const verdict = evaluate.verdict;
    if (verdict === undefined) throw ApplicationFailure.nonRetryable('evaluate left no verdict', 'FormatMismatch');
    this.record.verdict = verdict;
    if (verdict.decision !== 'pass') return { status: 'held', reason: heldReason(verdict) };

    const convert = await this.onGpu(context, 'convert', { format, train }, { weights: base.weightsDigest }, base);
    const prepared = await this.one(
      context,
      'publish',
      { format, train, evaluate, convert },
      { weights: base.weightsDigest, base: base.publicId, target },
      async (task) => cpu.publish(task, base, target),
    );
    if (input.publish.approval === 'person' && !(await this.approved(storeId, prepared)))
      return { status: 'held', reason: this.record.reason };

    const pushed = await this.push(resolved, prepared);
    await small.movePointer(storeId, {
      schema: ARTIFACT_SCHEMA,
      target,
      train,
      format,
      prepared,
      baseWeightsDigest: base.weightsDigest,
      settingsDigest: resolved.settingsDigest,
      modelCommit: this.record.hub['modelCommit'] ?? null,
      datasetCommit: this.record.hub['datasetCommit'] ?? null,
    });
    if (pushed !== null) return pushed;
    if (this.record.computed.every((verb) => verb === 'collect')) return { status: 'unchanged', reason: this.record.reason };
    return { status: 'prepared', reason: this.record.reason };
  }

  private async collect(context: StageContext): Promise<Record<string, StageRef>> {
    this.board.begin('collect');
    const { pages, summary } = await collect(context, this.record.date);
    this.record.source = summary;
    const refs = Object.values(pages);
    await this.done(
      'collect',
      refs.map((ref) => ({ ref, reused: false })),
    );
    await requireEnough(context, refs, summary);
    return pages;
  }

  private async one(
    context: StageContext,
    verb: Verb,
    inputs: Record<string, StageRef>,
    digests: Record<string, string>,
    act: Parameters<typeof stage>[4],
  ): Promise<StageRef> {
    this.board.begin(verb);
    const result = await stage(context, verb, inputs, digests, act);
    await this.done(verb, [result]);
    return result.ref;
  }

  private async onGpu(
    context: StageContext,
    verb: GpuVerb,
    inputs: Record<string, StageRef>,
    digests: Record<string, string>,
    base: BaseModel,
  ): Promise<StageRef> {
    const { train, limits } = context.input;
    return this.one(context, verb, inputs, digests, async (task) => {
      this.board.begin(verb, 'waiting for a device, then running');
      const choice = { lender: this.lender(), fixed: train.queue, preferred: verb === 'train' ? null : this.device };
      const { ref, queue } = await runOnDevice(verb, task, base, limits, choice);
      this.device = queue;
      return ref;
    });
  }

  /** The gpu queue beside our own: `<prefix>retune` and `<prefix>gpu`. */
  private lender(): string {
    const own = workflowInfo().taskQueue;
    const { main } = queues();
    return queues(own.endsWith(main) ? own.slice(0, -main.length) : '').gpu;
  }

  private async done(verb: Verb, results: { ref: StageRef; reused: boolean }[]): Promise<void> {
    const reused = results.every((result) => result.reused);
    this.reused[verb] = reused;
    this.record.stages[verb] = results.map((result) => result.ref);
    if (!reused) this.record.computed.push(verb);
    this.board.end(verb, [...results.map(({ ref }) => ref.counts), ...leftOut(this.record, verb, 'counts')], reused);
    await this.save();
  }

  private async approved(storeId: string, prepared: StageRef): Promise<boolean> {
    let answer = await small.readApproval(storeId, prepared.outputDigest);
    if (answer === null) {
      this.board.status('waiting_for_approval', 'prepared: approve or reject it');
      const given = await this.desk.wait();
      this.board.status('running', null);
      answer = { ...given, at: new Date().toISOString() };
      await small.saveApproval(storeId, prepared.outputDigest, answer);
    }
    if (!answer.approved) this.record.reason = `rejected by ${answer.by}${answer.note === '' ? '' : `: ${answer.note}`}`;
    return answer.approved;
  }

  /** @returns how the run ends when something was pushed, null when there was nothing to push */
  private async push(resolved: Resolved, prepared: StageRef): Promise<Ending | null> {
    const { input, storeId } = resolved;
    const result = await proxyActivities<CpuActivities>(deed(input.limits.heartbeatSeconds)).push({
      run: this.run,
      storeId,
      prepared,
      publish: input.publish,
      heartbeatSeconds: input.limits.heartbeatSeconds,
    });
    this.record.hub = result.commits;
    this.record.reason = result.reason;
    return result.outcome === 'pushed' ? { status: 'published', reason: null } : null;
  }

  private async close(ending: Ending): Promise<PipelineResult> {
    this.record.status = ending.status;
    this.record.reason = ending.reason;
    this.board.close(ending.status, ending.reason);
    if (this.resolved !== null) {
      await this.save();
      this.board.report = await small.report(this.resolved.storeId, this.run);
      this.board.show();
    }
    return resultOf(this.record, ending.status, this.reused, this.resolved?.store ?? '');
  }

  private async save(): Promise<void> {
    if (this.resolved === null) return;
    this.record.updatedAt = new Date().toISOString();
    await small.saveRun(this.resolved.storeId, this.record);
  }
}

/**
 * Takes web pages to a fine-tuned, evaluated, published model.
 * @param raw nothing, or any part of the input (docs/input.md)
 */
export async function pipeline(raw?: RawInput): Promise<PipelineResult> {
  return new Pipeline(raw).execute();
}
