// Adds up what the measure tasks of a job found. Definitions: docs/metrics.md.

import type { Store } from '../../common/store/ports.ts';
import type { ResultRecord } from '../../common/task.ts';
import type { MeasureSums } from '../../workers/pipelines/measure/sums.ts';
import type { RenderMetrics } from '../farm.ts';

/** Reads the sums of some measure records and gives the means over the clip. @throws data-loss */
export async function readMetrics(
  store: Store,
  records: readonly ResultRecord[],
): Promise<RenderMetrics> {
  const sums: MeasureSums[] = [];
  for (const record of records) {
    const ref = record.outputs['metrics']?.[0];
    if (ref === undefined) continue;
    sums.push(
      JSON.parse(Buffer.from(await store.getArtifact(ref.digest)).toString()) as MeasureSums,
    );
  }
  const mean = (pick: (sums: MeasureSums) => { readonly sum: number; readonly count: number }) => {
    const sum = sums.reduce((total, one) => total + pick(one).sum, 0);
    const count = sums.reduce((total, one) => total + pick(one).count, 0);
    return count === 0 ? undefined : sum / count;
  };
  return {
    flicker: {
      generated: mean((one) => one.flicker.generated),
      smoothed: mean((one) => one.flicker.smoothed),
    },
    edgeF1: {
      generated: mean((one) => one.edgeF1.generated),
      smoothed: mean((one) => one.edgeF1.smoothed),
    },
    drift: mean((one) => one.drift),
  };
}
