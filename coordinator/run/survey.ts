// What of a plan must run: walks back from the wanted results and stops wherever the store has one. Reads the
// store; changes nothing.

import type { Store } from '../../common/store/ports.ts';
import type { ResultRecord } from '../../common/task.ts';
import type { TaskGraph, TaskNumber } from '../domain/task-graph.ts';
import { mapBounded } from '../map-bounded.ts';

/** Records read at once. */
const LOOKUPS_MAX = 32;

export interface Survey {
  /** In the store and sound as far as can be seen without reading artifacts. */
  readonly found: ReadonlyMap<TaskNumber, ResultRecord>;
  /** To be run, in pipeline order. */
  readonly missing: readonly TaskNumber[];
}

/**
 * Looks up the wanted tasks, and what the missing ones read, and so on; those that `isHeld` says a worker has are not in the store, and not missing. A task that nothing missing reads is not looked at: results that were
 * collected as garbage are not made again without need.
 */
export async function surveyStore(
  graph: TaskGraph,
  store: Store,
  wanted: readonly TaskNumber[],
  isHeld: (task: TaskNumber) => boolean = () => false,
): Promise<Survey> {
  const found = new Map<TaskNumber, ResultRecord>();
  const missing: TaskNumber[] = [];
  // Dependencies have lower numbers, so one sweep from the top down sees each task after all that read it. Within
  // a node tasks are independent and are looked up together.
  let frontier = new Set<TaskNumber>(wanted);
  for (const { name } of graph.plan.nodes.toReversed()) {
    const first = graph.number({ node: name, index: 0 });
    const here = [...frontier]
      .filter((task) => task >= first && !isHeld(task))
      .sort((a, b) => a - b);
    frontier = new Set([...frontier].filter((task) => task < first));
    const records = await mapBounded(here, LOOKUPS_MAX, (task) =>
      store.getRecord(graph.plan.id(graph.ref(task)), { checkArtifacts: true }),
    );
    here.forEach((task, i) => {
      const record = records[i];
      if (record !== undefined) {
        found.set(task, record);
        return;
      }
      missing.push(task);
      for (const dependency of graph.dependencies(task)) frontier.add(dependency);
    });
  }
  return { found, missing: missing.sort((a, b) => a - b) };
}
