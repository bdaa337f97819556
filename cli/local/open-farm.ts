// The farm and the progress view of a command, opened and closed in one place.

import type { Farm } from '../farm.ts';
import { createProgressView, createSilentView } from '../output/progress.ts';
import type { ProgressView } from '../output/progress.ts';
import type { RunOptions } from '../request/run-options.ts';
import type { CliEnvironment } from '../terminal.ts';
import { checkStoreFolder } from './check-store-folder.ts';

/** Opens the farm for as long as the work takes. */
export async function withFarm<T>(
  run: RunOptions,
  environment: CliEnvironment,
  work: (farm: Farm) => Promise<T>,
): Promise<T> {
  await checkStoreFolder(run.farm.storeFolder);
  const farm = await environment.openFarm(run.farm);
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
