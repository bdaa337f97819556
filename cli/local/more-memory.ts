// What would give a render more memory on this machine, if anything does. Pure.

import type { StageNeed } from '../../coordinator/domain/stage-memory.ts';
import { formatBytes, memoryGibText } from '../output/format.ts';

interface Machine {
  readonly slots: number;
  readonly machineBytes: number;
}

/** A flag, or a larger machine: a graph takes more while it is loaded than it does then, and all of that has to be there. */
export function moreMemoryText(
  { bytes, graph }: Pick<StageNeed, 'bytes' | 'graph'>,
  { slots, machineBytes }: Machine,
): string {
  const all = bytes * slots;
  if (all > machineBytes) return 'a machine with more memory';
  const loading = all - bytes + graph.memory.loading;
  return loading > machineBytes
    ? `a machine with more memory (${formatBytes(loading)} while ${graph.name} is loaded)`
    : memoryGibText(all);
}
