// What keeps a store small and sound: usage, garbage collection, verification. The same for every adapter; knows
// nothing of files. Safe beside running renders.

import { BivdiffError } from '../errors.ts';
import type { ArtifactRef, Digest, ResultRecord, TaskId } from '../task.ts';
import type { Area, StoreContents, StoredItem } from './contents.ts';
import { Gate } from '../gate.ts';
import type {
  CollectGarbageOptions,
  CollectGarbageResult,
  StoreUpkeep,
  StoreUsage,
  VerifyResult,
} from './ports.ts';

/** Reads at once. More would keep renders waiting for the disk. */
const READS_AT_ONCE = 8;
/** Steps of windows serve who goes on from them, soon or never. */
const STEP_AGE_MS = 3_600_000;

type VerifyProblem = VerifyResult['problems'][number];
type VerifyOptions = NonNullable<Parameters<StoreUpkeep['verify']>[0]>;

export async function measureUsage(contents: StoreContents): Promise<StoreUsage> {
  const byStage = new Map<string, StageUsage>();
  const steps = noUsage();
  const records = await tally(contents, 'records', async (item) => {
    const record = await contents.peekRecord(item.name as TaskId);
    if (record === undefined) return;
    const stage = byStage.get(record.stage) ?? noUsage();
    byStage.set(record.stage, stage);
    count(record, stage);
    if (record.step !== undefined) count(record, steps);
  });
  return {
    artifacts: await tally(contents, 'artifacts'),
    records,
    documents: await tally(contents, 'documents'),
    quarantine: await tally(contents, 'quarantine'),
    byStage: Object.fromEntries(
      [...byStage].map(([name, { records, bytes }]) => [name, { records, bytes }]),
    ),
    steps: { records: steps.records, bytes: steps.bytes },
  };
}

interface StageUsage {
  records: number;
  bytes: number;
  readonly seen: Set<Digest>;
}

function noUsage(): StageUsage {
  return { records: 0, bytes: 0, seen: new Set() };
}

function count(record: ResultRecord, usage: StageUsage): void {
  usage.records += 1;
  for (const { digest, bytes } of artifactsOf(record)) {
    if (!usage.seen.has(digest)) usage.bytes += bytes;
    usage.seen.add(digest);
  }
}

async function tally(
  contents: StoreContents,
  area: Area,
  visit?: (item: StoredItem) => Promise<void>,
): Promise<{ count: number; bytes: number }> {
  const total = { count: 0, bytes: 0 };
  await forEachItem(contents, area, async (item) => {
    total.count++;
    total.bytes += item.bytes;
    await visit?.(item);
  });
  return total;
}

/**
 * Two passes, records first: a crash in between leaves artifacts without a record, which the next collection takes.
 * What is put or reused after an item was listed has a new age, and `removeIf` looks at the age again.
 */
export async function collectGarbage(
  contents: StoreContents,
  options: CollectGarbageOptions,
): Promise<CollectGarbageResult> {
  const result = { removedArtifacts: 0, removedRecords: 0, freedBytes: 0, keptTooYoung: 0 };
  const { minAgeMs } = options;
  const stepAgeMs = Math.min(minAgeMs, STEP_AGE_MS);
  const remove = async (item: StoredItem, ageMs = minAgeMs): Promise<boolean> => {
    const isOld = (changedMs: number): boolean => options.nowMs - changedMs >= ageMs;
    const removed =
      isOld(item.changedMs) && (options.dryRun || (await contents.removeIf(item, isOld)));
    if (removed) result.freedBytes += item.bytes;
    return removed;
  };
  const needed = new Set<Digest>();
  const neededByYoung = new Set<Digest>();
  const ofOldSteps = new Set<Digest>();

  await forEachItem(contents, 'records', async (item) => {
    const taskId = item.name as TaskId;
    const isRoot = options.keepRecords(taskId);
    if (!isRoot && (await remove(item))) {
      result.removedRecords++;
      return;
    }
    const record = await contents.peekRecord(taskId);
    const isStep = record?.step !== undefined;
    if (!isRoot && isStep && (await remove(item, stepAgeMs))) {
      result.removedRecords++;
      for (const { digest } of artifactsOf(record)) ofOldSteps.add(digest);
      return;
    }
    if (!isRoot) result.keptTooYoung++;
    if (record === undefined) return;
    for (const { digest } of artifactsOf(record)) (isRoot ? needed : neededByYoung).add(digest);
  });
  await forEachItem(contents, 'artifacts', async (item) => {
    const digest = item.name as Digest;
    if (needed.has(digest) || options.keepArtifacts(digest)) return;
    const ageMs = ofOldSteps.has(digest) ? stepAgeMs : minAgeMs;
    if (!neededByYoung.has(digest) && (await remove(item, ageMs))) result.removedArtifacts++;
    else result.keptTooYoung++;
  });
  await forEachItem(contents, 'quarantine', async (item) => {
    await remove(item);
  });
  return result;
}

export async function verifyContents(
  contents: StoreContents,
  options: VerifyOptions = {},
): Promise<VerifyResult> {
  const { signal, onProgress } = options;
  const areas = ['artifacts', 'records', 'documents'] as const;
  const items = new Map<Area, StoredItem[]>();
  for (const area of areas) {
    items.set(area, []);
    for await (const batch of contents.list(area)) items.get(area)?.push(...batch);
  }
  const total = [...items.values()].reduce((sum, list) => sum + list.length, 0);
  let done = 0;
  const forEach = (area: Area, visit: (item: StoredItem) => Promise<void>): Promise<void> =>
    forEachOf(items.get(area) ?? [], async (item) => {
      throwIfCancelled(signal);
      await visit(item);
      onProgress?.(++done, total);
    });

  const damaged = new Set<Digest>();
  const lost = new Map<Digest, { artifact: ArtifactRef; taskIds: TaskId[] }>();
  const problems: VerifyProblem[] = [];
  await forEach('artifacts', async (item) => {
    if (!(await contents.isSound(item, { signal }))) damaged.add(item.name as Digest);
  });
  await forEach('records', async (item) => {
    const taskId = item.name as TaskId;
    if (!(await contents.isSound(item, { signal }))) {
      problems.push({ kind: 'damaged-record', what: taskId, taskIds: [taskId] });
      return;
    }
    await noteLostArtifacts(contents, taskId, lost);
  });
  await forEach('documents', async (item) => {
    if (await contents.isSound(item, { signal })) return;
    problems.push({ kind: 'damaged-document', what: item.name, taskIds: [] });
  });
  return {
    checkedArtifacts: items.get('artifacts')?.length ?? 0,
    checkedRecords: items.get('records')?.length ?? 0,
    problems: [...artifactProblems(damaged, lost), ...problems].sort(byKindAndName),
  };
}

/** A record with an artifact lost is taken away: only so does its task run again, whoever asks. */
async function noteLostArtifacts(
  contents: StoreContents,
  taskId: TaskId,
  lost: Map<Digest, { artifact: ArtifactRef; taskIds: TaskId[] }>,
): Promise<void> {
  const record = await contents.peekRecord(taskId);
  if (record === undefined) return;
  let isLost = false;
  for (const artifact of artifactsOf(record)) {
    if ((await contents.artifactBytes(artifact.digest)) !== undefined) continue;
    isLost = true;
    const known = lost.get(artifact.digest);
    if (known === undefined) lost.set(artifact.digest, { artifact, taskIds: [taskId] });
    else if (!known.taskIds.includes(taskId)) known.taskIds.push(taskId);
  }
  if (isLost) await contents.dropRecord(taskId);
}

function artifactProblems(
  damaged: ReadonlySet<Digest>,
  lost: ReadonlyMap<Digest, { readonly artifact: ArtifactRef; readonly taskIds: TaskId[] }>,
): VerifyProblem[] {
  const ofLost = [...lost].map(([digest, { artifact, taskIds }]): VerifyProblem => {
    const kind = damaged.has(digest) ? 'damaged-artifact' : 'missing-artifact';
    return { kind, what: digest, taskIds: taskIds.toSorted(), artifact };
  });
  const unused = [...damaged].filter((digest) => !lost.has(digest));
  return [
    ...ofLost,
    ...unused.map((what): VerifyProblem => ({ kind: 'damaged-artifact', what, taskIds: [] })),
  ];
}

export function artifactsOf(record: ResultRecord): readonly ArtifactRef[] {
  return Object.values(record.outputs).flat();
}

async function forEachItem(
  contents: StoreContents,
  area: Area,
  visit: (item: StoredItem) => Promise<void>,
): Promise<void> {
  for await (const batch of contents.list(area)) await forEachOf(batch, visit);
}

async function forEachOf<T>(
  values: readonly T[],
  visit: (value: T) => Promise<void>,
): Promise<void> {
  const gate = new Gate(READS_AT_ONCE);
  await Promise.all(values.map((value) => gate.run(() => visit(value))));
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  if (signal.reason instanceof BivdiffError) throw signal.reason;
  throw new BivdiffError('cancelled', 'verifying the store: cancelled', { cause: signal.reason });
}

function byKindAndName(a: VerifyProblem, b: VerifyProblem): number {
  return `${a.kind} ${a.what}` < `${b.kind} ${b.what}` ? -1 : 1;
}
