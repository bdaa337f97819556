// Why a job cannot go on, as far as the workers that are there can tell. Pure.

import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import { numericsKeyOf } from '../../common/stage-facts.ts';
import type { NumericsClasses, NumericsKind } from '../../common/stage-facts.ts';
import type { Pool } from '../../common/task.ts';
import type { WorkerStatus } from '../../common/worker-status.ts';

/** Every render needs all three. */
const NEEDED: readonly Pool[] = ['idm', 'mixer', 'vdm'];
const KINDS: readonly NumericsKind[] = ['inference', 'media', 'plain'];

/** What a job of these numerics classes waits for: classes or pools that no worker serves. Undefined: for nothing of the kind. */
export function waitsFor(
  numerics: NumericsClasses,
  workers: readonly WorkerStatus[],
): string | undefined {
  const able = workers.filter(
    ({ draining, protocol }) => !draining && protocol === PROTOCOL_VERSION,
  );
  if (able.length === 0) return 'workers: none is there';
  const key = numericsKeyOf(numerics);
  const ofClass = able.filter((worker) => numericsKeyOf(worker.numerics) === key);
  if (ofClass.length === 0) return `workers of ${missingClasses(numerics, able)}`;
  const missing = NEEDED.filter((pool) => !ofClass.some(({ pools }) => pools.includes(pool)));
  if (missing.length === 0) return undefined;
  return `workers of pool ${missing.join(' and ')}: none of its numerics class is there`;
}

function missingClasses(numerics: NumericsClasses, able: readonly WorkerStatus[]): string {
  const missing = KINDS.flatMap((kind) => {
    const there = new Set(able.map((worker) => worker.numerics[kind]));
    if (there.has(numerics[kind])) return [];
    return [`${kind} class ${numerics[kind]} (there: ${[...there].toSorted().join(', ')})`];
  });
  if (missing.length > 0) return missing.join(' and ');
  return `numerics classes ${numericsKeyOf(numerics)}: no single worker has them all`;
}
