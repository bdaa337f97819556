// The farm and the progress view of a command, opened and closed in one place.

import type { Farm, RequestLook } from '../farm.ts';
import { createProgressView, createSilentView } from '../output/progress.ts';
import type { ProgressView } from '../output/progress.ts';
import type { RunOptions } from '../request/run-options.ts';
import type { CliEnvironment } from '../terminal.ts';
import { checkStoreFolder } from '../output/check-store-folder.ts';

/** Opens the farm for as long as the work takes. `before` is what looks first, whether the store can be there too. @default that alone is looked at */
export async function withFarm<T>(
  run: RunOptions,
  environment: CliEnvironment,
  work: (farm: Farm) => Promise<T>,
  before: (look: RequestLook) => Promise<void> = () => checkStoreFolder(run.farm.storeFolder),
): Promise<T> {
  const farm = await environment.openFarm(run.farm, before);
  try {
    return await work(farm);
  } finally {
    await farm.close();
  }
}

/** Bars, lines, or with `--quiet` neither, but warnings. */
export function createView(run: RunOptions, environment: CliEnvironment): ProgressView {
  const { stderr, clock, colors } = environment;
  if (run.quiet) return createSilentView({ terminal: stderr });
  return createProgressView({ terminal: stderr, clock, colors });
}
