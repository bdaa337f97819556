// Part of the store's conformance suite: verification.

import { expect, it } from 'vitest';

import type { StoreHarness } from './store-harness.ts';
import { commit, put } from './put-results.ts';
import { cutTo, failureOf, flipBit, remove } from './use-store.ts';

export function describeVerify(current: () => StoreHarness): void {
  it('finds nothing wrong with a sound store', async () => {
    const harness = current();
    await commit(harness, 'a', [await put(harness, 'frame')]);
    await harness.store.putDocument({ kind: 'spec', id: 'job' }, Buffer.from('spec'));
    const seen: [number, number][] = [];
    const result = await harness.store.verify({ onProgress: (done, of) => seen.push([done, of]) });
    expect(result).toEqual({ checkedArtifacts: 1, checkedRecords: 1, problems: [] });
    expect(seen).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
  });

  it('names every problem and the tasks that will run again', async () => {
    const harness = current();
    const { store, rewrite } = harness;
    const [flipped, gone, unused] = [
      await put(harness, 'flipped'),
      await put(harness, 'gone'),
      await put(harness, 'unused'),
    ];
    const sound = await commit(harness, 'sound', [await put(harness, 'sound')]);
    const a = await commit(harness, 'a', [flipped, gone]);
    const b = await commit(harness, 'b', [flipped]);
    const torn = await commit(harness, 'torn', []);
    await store.putDocument({ kind: 'upload', id: 'j/1' }, Buffer.from('upload'));
    await rewrite({ area: 'artifacts', name: flipped.digest }, flipBit(500));
    await rewrite({ area: 'artifacts', name: unused.digest }, cutTo(3));
    await rewrite({ area: 'artifacts', name: gone.digest }, remove);
    await rewrite({ area: 'records', name: torn.taskId }, cutTo(50));
    await rewrite({ area: 'documents', name: 'upload/j/1' }, flipBit(-1));

    const { problems } = await store.verify();
    const both = [a.taskId, b.taskId].sort();
    const artifactProblem = { kind: 'damaged-artifact' as const };
    expect(problems).toHaveLength(5);
    expect(problems).toEqual(
      expect.arrayContaining([
        { ...artifactProblem, what: flipped.digest, taskIds: both, artifact: flipped },
        { ...artifactProblem, what: unused.digest, taskIds: [] },
        { kind: 'missing-artifact', what: gone.digest, taskIds: [a.taskId], artifact: gone },
        { kind: 'damaged-record', what: torn.taskId, taskIds: [torn.taskId] },
        { kind: 'damaged-document', what: 'upload/j/1', taskIds: [] },
      ]),
    );
    for (const lost of [a, b, torn]) expect(await store.getRecord(lost.taskId)).toBeUndefined();
    expect(await store.getRecord(sound.taskId, { checkArtifacts: true })).toEqual(sound);
    expect((await store.verify()).problems).toEqual([]);
    expect((await store.usage()).quarantine.count).toBe(4);
  });

  it('stops when the signal aborts', async () => {
    const harness = current();
    await put(harness, 'frame');
    await failureOf(harness.store.verify({ signal: AbortSignal.abort() }), 'cancelled');
  });
}
