// One scenario with blocks of several sizes, side by side. Pure.

import type { Scenario } from '../../coordinator/simulation/scenario.ts';
import type { SimulationResult } from '../../coordinator/simulation/simulation-result.ts';
import { BivdiffError } from '../../common/errors.ts';
import { formatTable, plural } from '../output/format.ts';
import { NUMBER_SETTINGS } from './settings.ts';

export interface BlockRun {
  readonly scenario: Scenario;
  readonly result: SimulationResult;
}

/** `1,2,4`. @throws invalid-argument — it is no list of sizes, names one twice, or one size is asked for besides */
export function blockSizesOf(text: string, oneSize: unknown): readonly number[] {
  const { max } = NUMBER_SETTINGS.find(({ name }) => name === 'window-block')!;
  const words = text.split(',').map((word) => word.trim());
  const sizes = words.map((word) => (/^\d+$/.test(word) ? Number(word) : 0));
  const problems: string[] = [];
  if (!sizes.every((size) => size >= 1 && size <= max)) {
    const given = JSON.stringify(text);
    problems.push(
      `--block-sizes: expected whole numbers, 1 to ${max}, with commas between, got ${given}`,
    );
  }
  const repeated = sizes.filter((size, i) => size >= 1 && sizes.indexOf(size) !== i);
  if (repeated.length > 0) {
    const told = [...new Set(repeated)].join(', ');
    problems.push(`--block-sizes: named more than once: ${told}; name each size once`);
  }
  if (oneSize !== undefined) {
    problems.push('--block-sizes and --window-block cannot go together: name all sizes in one');
  }
  if (problems.length === 0) return sizes;
  throw new BivdiffError('invalid-argument', problems.join('; '), {
    hint: 'Write it as in --block-sizes 1,2,4',
    details: { problems },
  });
}

/** `efficiency`: the least possible makespan by the one that it took, 0..1; null where no job was done. */
export function blocksJson(runs: readonly BlockRun[]): object {
  const blocks = runs.map(({ scenario, result }) => ({
    windowBlock: scenario.long?.block ?? null,
    tasks: result.tasks,
    makespanSeconds: result.makespanSeconds,
    efficiency: efficiencyOf(result) ?? null,
  }));
  return { blocks, best: fastest(runs).scenario.long?.block ?? null };
}

export function blocksText(runs: readonly BlockRun[]): string {
  const rows = runs.map(({ scenario, result }) => {
    const { tasks, makespanSeconds } = result;
    const efficiency = efficiencyOf(result)?.toFixed(3) ?? '-';
    return [scenario.long?.block ?? '-', tasks, makespanSeconds.toFixed(1), efficiency];
  });
  const best = fastest(runs);
  return [
    formatTable(['windows a task', 'tasks', 'makespan (s)', 'efficiency'], rows),
    `\nfirst done with ${plural(best.scenario.long?.block ?? 1, 'window')} a task. efficiency: the least possible makespan by that\n`,
  ].join('');
}

/** The first of several that end at once: smaller blocks lose less with a worker. */
function fastest(runs: readonly BlockRun[]): BlockRun {
  return runs.reduce((a, b) => (b.result.makespanSeconds < a.result.makespanSeconds ? b : a));
}

function efficiencyOf({ jobsDone, bound, makespanSeconds }: SimulationResult): number | undefined {
  return jobsDone === 0 ? undefined : bound.makespan / makespanSeconds;
}
