// Whether the models fit into a farm on this machine: its memory is shared out among workers and their slots.

import { BivdiffError } from '../../../common/errors.ts';
import { formatBytes, memoryGibText } from '../../output/format.ts';
import { needsOfModels } from './model-needs.ts';

export interface UpMemory {
  readonly workers: number;
  /** Of each worker. */
  readonly slots: number;
  /** In all of them. */
  readonly memoryBytes: number;
}

/**
 * Weights alone: what runs take depends on what is rendered, and is looked at when it is submitted.
 * @throws resource-exhausted — a slot could load the largest graph of no set
 */
export async function checkUpMemory(
  modelsFolder: string,
  { workers, slots, memoryBytes }: UpMemory,
): Promise<void> {
  // Sets that cannot be read are told of by the coordinator.
  const needs = await needsOfModels(modelsFolder).catch(() => []);
  const largest = needs.map(({ set, pools }) => {
    const all = Object.values(pools).toSorted((a, b) => b.bytes - a.bytes);
    return { set, ...all[0]! };
  });
  const [least] = largest.toSorted((a, b) => a.bytes - b.bytes);
  const ofSlot = Math.floor(memoryBytes / workers / slots);
  if (least === undefined || least.bytes <= ofSlot) return;
  const { set, model, bytes } = least;
  const most = Math.floor(memoryBytes / bytes);
  const fewer = [
    ...(slots > 1 && most >= workers ? [`--slots ${Math.floor(most / workers)}`] : []),
    ...(workers > 1 && most >= slots ? [`--workers ${Math.floor(most / slots)}`] : []),
    ...(most >= 1 && most < workers && most < slots ? ['--workers 1 --slots 1'] : []),
  ];
  throw new BivdiffError(
    'resource-exhausted',
    `${model} of set ${set} needs ${formatBytes(bytes)} for its weights, and a slot of ${workers * slots} has ${formatBytes(ofSlot)}: ${formatBytes(bytes - ofSlot)} are missing`,
    {
      hint: `It would fit with ${[...fewer, memoryGibText(bytes * workers * slots)].join(', or ')}.`,
      details: { set, model, bytes, limit: ofSlot, missing: bytes - ofSlot },
    },
  );
}
