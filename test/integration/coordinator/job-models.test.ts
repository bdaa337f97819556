// The models and sources of jobs in a farm's store: put there when a job is accepted, kept as long as it lives.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { ModelPublisher } from '../../../cli/programs/publish-models.ts';
import { findKeptJobs } from '../../../cli/local/kept-by-gc.ts';
import { canonicalJson } from '../../../common/canonical-json.ts';
import { openModelSet } from '../../../common/models/model-folder.ts';
import type { ModelSet } from '../../../common/models/model-set.ts';
import { isPartStored, readPartListing } from '../../../common/models/stored-part.ts';
import { putSource, readListing } from '../../../common/sources/source.ts';
import { createMemoryStore } from '../../../common/store/memory/index.ts';
import type { MemoryFile } from '../../../common/store/memory/index.ts';
import type { Digest, JobId } from '../../../common/task.ts';
import { jobIdOf } from '../../../coordinator/domain/accept.ts';
import { modelsOfJob } from '../../../recipes/job.ts';
import type { AcceptedJob } from '../../../recipes/job.ts';
import { JobLog } from '../../../coordinator/jobs/job-log.ts';
import { acceptedJob } from '../../support/jobs.ts';
import { TINY_SET } from '../../support/models/paths.ts';

function jobOf(set: ModelSet): AcceptedJob {
  const { image, generators, videos } = set;
  const video = videos[set.defaultVideo]!;
  const ref = ({ name, digest }: { name: string; digest: Digest }) => ({ name, digest });
  return acceptedJob({
    models: {
      tokenizer: ref(image.tokenizer),
      textEncoder: ref(image.textEncoder),
      controlUnet: ref(generators['canny']!.unet),
      inversionUnet: ref(image.unet),
      vaeEncoder: ref(image.vaeEncoder),
      vaeDecoder: ref(image.vaeDecoder),
      scheduler: ref(image.scheduler),
      videoTokenizer: ref(video.tokenizer),
      videoTextEncoder: ref(video.textEncoder),
      videoUnet: ref(video.unet),
    },
  });
}

async function setUp() {
  const files = new Map<string, MemoryFile>();
  const store = createMemoryStore({ files });
  const set = await openModelSet(TINY_SET, { cacheFolder: false });
  const job = jobOf(set);
  const publisher = new ModelPublisher(store);
  const parts = modelsOfJob(job).map(({ digest }) => digest);
  return { files, store, set, job, publisher, parts };
}

describe('the models of a job', () => {
  it('are put into the store, and no others', async () => {
    const { store, set, job, publisher, parts } = await setUp();
    await publisher.publish(set, job);
    for (const part of parts) expect(await isPartStored(store, part)).toBe(true);
    expect(await store.listDocuments('model')).toHaveLength(new Set(parts).size);
  });

  it('are put again by the next job if they are gone', async () => {
    const { files, store, set, job, publisher, parts } = await setUp();
    await Promise.all([publisher.publish(set, job), publisher.publish(set, job)]);
    const listing = await readPartListing(store, parts[0]!);
    files.delete(`artifacts/${listing!.files[0]!.digest}`);
    expect(await isPartStored(store, parts[0]!)).toBe(false);
    await publisher.publish(set, job);
    expect(await isPartStored(store, parts[0]!)).toBe(true);
  });

  it('stay while the job lives, and afterwards only if the job is named', async () => {
    const { store, set, job, publisher } = await setUp();
    await publisher.publish(set, job);
    const jobId: JobId = jobIdOf(job);
    await store.putDocument({ kind: 'spec', id: jobId }, Buffer.from(canonicalJson(job as never)));
    const artifacts = (await store.usage()).artifacts.count;
    const collect = async (names: readonly string[], dryRun = true): Promise<number> => {
      const kept = await findKeptJobs(store, names);
      const { removedArtifacts } = await store.collectGarbage({
        keepRecords: (taskId) => kept.tasks.has(taskId),
        keepArtifacts: (digest) => kept.artifacts.has(digest),
        minAgeMs: 0,
        nowMs: Date.now() + 1,
        dryRun,
      });
      return removedArtifacts;
    };
    expect(await collect([])).toBe(artifacts);
    const log = new JobLog(store, jobId);
    await log.append({ kind: 'submitted', atMs: 1, name: '', priority: 50 });
    expect(await collect([], false)).toBe(0);
    await log.append({ kind: 'done', atMs: 2, seconds: 1 });
    expect(await collect([jobId])).toBe(0);
    expect(await collect([], false)).toBe(artifacts);
    await publisher.publish(set, job);
    expect((await store.usage()).artifacts.count).toBe(artifacts);
  });
});

it('a folder that a living job renders from is kept with all its pictures', async () => {
  const { store, job } = await setUp();
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-pictures-'));
  await writeFile(join(folder, 'a.png'), 'a');
  await writeFile(join(folder, 'b.png'), 'b');
  const source = await putSource(store, folder).finally(() => rm(folder, { recursive: true }));
  const live = { ...job, source: { ...job.source, ...source } };
  const jobId = jobIdOf(live);
  await store.putDocument({ kind: 'spec', id: jobId }, Buffer.from(canonicalJson(live as never)));
  await new JobLog(store, jobId).append({ kind: 'submitted', atMs: 1, name: '', priority: 50 });
  const pictures = await readListing(store, source.digest);
  expect(pictures).toHaveLength(2);
  const { artifacts } = await findKeptJobs(store, []);
  for (const { digest } of [source, ...pictures]) expect(artifacts).toContain(digest);
});
