// Bench (c), second half: how many results a second the file store commits, each an artifact of 4 KiB and its record.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openFileStore } from '../common/store/file/index.ts';
import type { Store } from '../common/store/ports.ts';
import type { TaskId } from '../common/task.ts';
import { digestText } from '../common/digest.ts';

/** Commits under way at once: a farm of that many slots. */
const AT_ONCE = 16;
const ARTIFACT_BYTES = 4096;

export interface CommitFigures {
  readonly commits: number;
  readonly commitsPerSecond: number;
}

export async function measureCommits(commits: number): Promise<CommitFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-bench-'));
  try {
    const store = await openFileStore(join(folder, 'store'));
    await commitAll(store, commits / 10, 'warm-up');
    const begunMs = performance.now();
    await commitAll(store, commits, 'measured');
    const seconds = (performance.now() - begunMs) / 1000;
    await store.close();
    return { commits, commitsPerSecond: commits / seconds };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function commitAll(store: Store, count: number, name: string): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await commit(store, `${name} ${next}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

async function commit(store: Store, name: string): Promise<void> {
  const bytes = Buffer.alloc(ARTIFACT_BYTES, name);
  const digest = await store.putArtifact(bytes);
  await store.putRecord({
    taskId: digestText(name) as string as TaskId,
    stage: 'encode',
    outputs: {
      latents: [{ digest, bytes: bytes.length, type: 'tensor/float32', shape: [1, 4, 16, 16] }],
    },
    worker: 'bench',
    numericsClass: 'bench',
    attempt: 1,
    startedAt: '2026-01-01T00:00:00.000Z',
    seconds: 0,
    busySeconds: 0,
  });
}
