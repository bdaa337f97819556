// What a sweep tells of its renders: as JSON, and as text.

import { join } from 'node:path';

import { STAGES } from '../../common/task.ts';
import type { Accepted, TaskCounts } from '../farm.ts';
import { pointFields, pointLabel } from '../flags/sweep-points.ts';
import type { SweepPoint } from '../flags/sweep-points.ts';
import { formatFigure, formatSeconds, formatTable, plural } from '../output/format.ts';
import { roundSeconds } from './render-to-files.ts';
import type { RenderReport } from './render-to-files.ts';

/** One value of a sweep, rendered. */
export interface SweepResult {
  readonly point: SweepPoint;
  readonly accepted: Accepted;
  readonly report: RenderReport;
}

/** Where results go besides the videos. */
export interface SweepPlaces {
  readonly folder: string;
  /** Of the page, if it is wanted. */
  readonly html: string | undefined;
}

/** How well frames keep to their controls. */
const FOLLOWED = [
  ['edgeF1', 'edge F1'],
  ['depthCorrelation', 'depth'],
  ['jointPck', 'joints'],
] as const;

/** What `--json` prints and table.json holds. `tasks` and `seconds` are of the whole sweep. */
export function sweepTable(results: readonly SweepResult[], { folder, html }: SweepPlaces): object {
  return {
    kind: 'bivdiff-sweep',
    outputs: {
      folder,
      contactSheet: join(folder, 'contact-sheet.png'),
      table: join(folder, 'table.json'),
      ...(html === undefined ? {} : { html }),
    },
    tasks: sumTasks(results.map(({ report }) => report.tasks)),
    seconds: sumSeconds(results.map(({ report }) => report.seconds)),
    wallSeconds: wallSecondsOf(results),
    rows: results.map(({ point, report }) => ({
      ...pointFields(point),
      job: report.job,
      output: report.outputs[0]?.path,
      sha256: report.sha256,
      metrics: report.metrics,
      tasks: report.tasks,
      seconds: report.seconds,
      wallSeconds: report.wallSeconds,
    })),
  };
}

export function sweepText(results: readonly SweepResult[], { folder, html }: SweepPlaces): string {
  const figure = (value: number | null): string => formatFigure(value ?? undefined);
  const first = results[0]?.report.metrics;
  // Edges, and what else some render has.
  const kept = FOLLOWED.filter(([id]) => {
    return id === 'edgeF1' || results.some(({ report }) => report.metrics[id].smoothed !== null);
  });
  const header = ['', 'flicker', ...kept.map(([, name]) => name), 'drift', 'tasks run', 'reused'];
  const rows = results.map(({ point, report }) => [
    pointLabel(point),
    figure(report.metrics.flicker.smoothed),
    ...kept.map(([id]) => figure(report.metrics[id].smoothed)),
    figure(report.metrics.drift),
    report.tasks.run,
    report.tasks.reused,
  ]);
  const frameByFrame = [
    'frame by frame',
    figure(first?.flicker.generated ?? null),
    ...kept.map(([id]) => figure(first?.[id].generated ?? null)),
  ];
  const tasks = sumTasks(results.map(({ report }) => report.tasks));
  const wallSeconds = wallSecondsOf(results);
  return [
    formatTable(header, [[...frameByFrame, '', '', ''], ...rows]),
    `\n${join(folder, 'contact-sheet.png')}\n${join(folder, 'table.json')}\n`,
    html === undefined ? '' : `${html}\n`,
    `${plural(results.length, 'video')}: ${plural(tasks.run, 'task')} run, ${tasks.reused} reused, ${formatSeconds(wallSeconds)}\n`,
  ].join('');
}

function wallSecondsOf(results: readonly SweepResult[]): number {
  return roundSeconds(results.reduce((sum, { report }) => sum + report.wallSeconds, 0));
}

function sumTasks(all: readonly TaskCounts[]): TaskCounts {
  const byStage: { -readonly [K in keyof TaskCounts['byStage']]: TaskCounts['byStage'][K] } = {};
  for (const stage of STAGES) {
    const counts = all.map((tasks) => tasks.byStage[stage]).filter((one) => one !== undefined);
    if (counts.length === 0) continue;
    byStage[stage] = {
      run: counts.reduce((sum, { run }) => sum + run, 0),
      reused: counts.reduce((sum, { reused }) => sum + reused, 0),
    };
  }
  return {
    run: all.reduce((sum, { run }) => sum + run, 0),
    reused: all.reduce((sum, { reused }) => sum + reused, 0),
    byStage,
  };
}

function sumSeconds(all: readonly RenderReport['seconds'][]): RenderReport['seconds'] {
  const sums: { -readonly [K in keyof RenderReport['seconds']]: RenderReport['seconds'][K] } = {};
  for (const stage of STAGES) {
    const seconds = all.map((one) => one[stage]).filter((one) => one !== undefined);
    if (seconds.length > 0) sums[stage] = roundSeconds(seconds.reduce((sum, one) => sum + one, 0));
  }
  return sums;
}
