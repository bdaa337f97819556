// Goal: the store in a directory does what the one in memory does, whatever the order of calls and damage. Method: the
// same random calls on both, each answer compared.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../common/errors.ts';
import { DOCUMENT_KINDS } from '../../../common/store/names.ts';
import type { DocumentName } from '../../../common/store/ports.ts';
import { digestBytes } from '../../../common/digest.ts';
import { artifactOf, recordOf, taskIdOf } from '../../support/conformance/results.ts';
import { bytesOf, testSeed } from '../../support/conformance/seed.ts';
import {
  createFileHarness,
  createMemoryHarness,
} from '../../support/conformance/store/store-harness.ts';
import type { StoredName, StoreHarness } from '../../support/conformance/store/store-harness.ts';
import { cutTo, flipBit } from '../../support/conformance/store/use-store.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Few of each, so that calls meet. One is larger than what is looked for before it is written. */
const ARTIFACTS = [0, 10, 1000, 70_000].map((length, i) => bytesOf(`artifact ${i}`, length));
const TASKS = ['a', 'b', 'c'];
const DOCUMENTS = ['x', 'x/1', 'y'];

interface Step {
  readonly call: string;
  run(harness: StoreHarness): Promise<unknown>;
}

const artifact = fc.nat(ARTIFACTS.length - 1);
const task = fc.constantFrom(...TASKS);
const documentName: fc.Arbitrary<DocumentName> = fc.record({
  kind: fc.constantFrom(...DOCUMENT_KINDS.slice(0, 2)),
  id: fc.constantFrom(...DOCUMENTS),
});
const damage = fc.constantFrom('flip', 'cut', 'remove');

const digestOf = (i: number) => digestBytes(ARTIFACTS[i]!);
const labelled = (call: string, run: Step['run']): Step => ({ call, run });

const step: fc.Arbitrary<Step> = fc.oneof(
  artifact.map((i) =>
    labelled(`putArtifact ${i}`, ({ store }) => store.putArtifact(ARTIFACTS[i]!)),
  ),
  artifact.map((i) =>
    labelled(`getArtifact ${i}`, async ({ store }) =>
      digestBytes(await store.getArtifact(digestOf(i))),
    ),
  ),
  artifact.map((i) => labelled(`hasArtifact ${i}`, ({ store }) => store.hasArtifact(digestOf(i)))),
  fc.tuple(task, fc.uniqueArray(artifact), fc.constantFrom('w1', 'w2')).map(([label, of, worker]) =>
    labelled(`putRecord ${label} of ${of.join()} by ${worker}`, ({ store }) => {
      const frames = of.map((i) => artifactOf(digestOf(i), ARTIFACTS[i]!.length));
      return store.putRecord(recordOf(label, frames, { worker }));
    }),
  ),
  fc
    .tuple(task, fc.boolean())
    .map(([label, checkArtifacts]) =>
      labelled(`getRecord ${label} ${checkArtifacts}`, ({ store }) =>
        store.getRecord(taskIdOf(label), { checkArtifacts }),
      ),
    ),
  task.map((label) =>
    labelled(`dropRecord ${label}`, ({ store }) => store.dropRecord(taskIdOf(label))),
  ),
  documentName.map((name) =>
    labelled(`putDocument ${name.kind}/${name.id}`, ({ store }) =>
      store.putDocument(name, Buffer.from(name.id)),
    ),
  ),
  documentName.map((name) =>
    labelled(`getDocument ${name.kind}/${name.id}`, async ({ store }) =>
      Buffer.from((await store.getDocument(name)) ?? Buffer.from('absent')).toString(),
    ),
  ),
  documentName.map((name) =>
    labelled(`deleteDocument ${name.kind}/${name.id}`, ({ store }) => store.deleteDocument(name)),
  ),
  fc
    .constantFrom('', 'x', 'x/')
    .map((prefix) =>
      labelled(`listDocuments ${prefix}`, ({ store }) => store.listDocuments('spec', prefix)),
    ),
  fc
    .tuple(artifact, damage)
    .map(([i, how]) => damaging({ area: 'artifacts', name: digestOf(i) }, how)),
  fc
    .tuple(task, damage)
    .map(([label, how]) => damaging({ area: 'records', name: taskIdOf(label) }, how)),
  fc
    .tuple(documentName, damage)
    .map(([{ kind, id }, how]) => damaging({ area: 'documents', name: `${kind}/${id}` }, how)),
  fc
    .tuple(fc.subarray(TASKS), fc.subarray([0, 1, 2, 3]), fc.boolean(), fc.boolean())
    .map(([roots, kept, isYoung, dryRun]) =>
      labelled(
        `collectGarbage but ${roots.join()} ${kept.join()} ${isYoung} ${dryRun}`,
        ({ store }) =>
          store.collectGarbage({
            keepRecords: (taskId) => roots.some((label) => taskIdOf(label) === taskId),
            keepArtifacts: (digest) => kept.some((i) => digestOf(i) === digest),
            minAgeMs: DAY_MS,
            nowMs: Date.now() + (isYoung ? 0 : 2 * DAY_MS),
            dryRun,
          }),
      ),
    ),
  fc.constant(labelled('verify', ({ store }) => store.verify())),
  fc.constant(labelled('usage', ({ store }) => store.usage())),
);

/** Where it is not stored there is nothing to damage: both stores say so. */
function damaging(what: StoredName, how: string): Step {
  return labelled(`${how} ${what.area}/${what.name}`, async ({ rewrite }) => {
    await rewrite(what, (bytes) => {
      if (how === 'remove') return undefined;
      if (bytes.length === 0) return Buffer.from('x');
      return how === 'flip' ? flipBit(bytes.length >> 1)(bytes) : cutTo(bytes.length - 1)(bytes);
    }).catch(() => {
      throw new BivdiffError('not-found', 'nothing to damage');
    });
  });
}

async function answerOf(step: Step, harness: StoreHarness): Promise<unknown> {
  try {
    return { gave: await step.run(harness) };
  } catch (reason) {
    const { code, details } = BivdiffError.from(reason);
    return { failed: code, details };
  }
}

describe('file store', () => {
  it('answers as the memory store does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const [memory, file] = [await createMemoryHarness(), await createFileHarness()];
        try {
          for (const [i, step] of steps.entries()) {
            const expected = await answerOf(step, memory);
            expect(await answerOf(step, file), `step ${i}: ${step.call}`).toEqual(expected);
          }
        } finally {
          await file.store.close();
          await file.dispose();
        }
      }),
      { seed: testSeed(), numRuns: 60 },
    );
  });
});
