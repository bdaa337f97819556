// The page of a sweep: all its renders beside the frames that they were made of and, where two settings were swept, in a grid.

import type { Store } from '../../common/store/ports.ts';
import { pointGrid, sweptAxes } from '../flags/sweep-points.ts';
import type { SweepPoint } from '../flags/sweep-points.ts';
import type { ReportGrid } from '../report/report.ts';
import { compareClips, reportOf } from './compared.ts';
import type { NamedJob } from './job-clips.ts';
import { placeReport } from './place-report.ts';
import { readJobs } from './read-clips.ts';

export interface SweepPage {
  /** Absolute. */
  readonly path: string;
  /** One of each point, in order. */
  readonly rows: readonly NamedJob[];
  readonly points: readonly SweepPoint[];
  readonly overwrite: boolean;
  readonly signal: AbortSignal;
}

export async function placeSweepPage(store: Store, page: SweepPage): Promise<void> {
  const { path, rows, points, overwrite, signal } = page;
  const { clips, reference } = await readJobs(store, rows);
  const comparison = await compareClips(clips, reference, { signal });
  const grid = gridOf(points, clips.length - rows.length);
  const names = sweptAxes(points).map(({ name }) => name);
  const report = await reportOf(comparison, {
    title: names.length === 0 ? 'A sweep' : `A sweep of ${names.join(' and ')}`,
    ...(grid === undefined ? {} : { grid }),
  });
  await placeReport(path, report, { overwrite });
}

/** `first`: how many clips come before those of the points. */
function gridOf(points: readonly SweepPoint[], first: number): ReportGrid | undefined {
  const grid = pointGrid(points);
  if (grid === undefined) return undefined;
  return { ...grid, clips: grid.points.map((line) => line.map((point) => first + point)) };
}
