// One render from request to finished files: accept, render with progress, put the outputs in place, and what is to
// be said of it. Shared by render (one or a batch) and sweep.

import { BivdiffError } from '../../common/errors.ts';
import { isSequence } from '../../common/outputs/output-formats.ts';
import type { Accepted, Farm, RenderProgress, RenderResult, TaskCounts } from '../farm.ts';
import { formatBytes, formatFigure, formatSeconds, plural } from '../output/format.ts';
import { digestOfArtifacts, placeOutputs } from '../output/place-outputs.ts';
import type { OutputFile } from '../output/place-outputs.ts';
import type { ProgressView } from '../output/progress.ts';
import { shotsText } from '../output/shots-text.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { wantedFrames } from '../../recipes/pipeline/job-base.ts';
import type { OutputFiles } from '../request/spec-layer.ts';
import { traceEvents } from '../output/trace-events.ts';

export interface RenderToFilesOptions {
  readonly farm: Farm;
  readonly accepted: Accepted;
  readonly files: OutputFiles;
  readonly overwrite: boolean;
  readonly view: ProgressView;
  readonly storeFolder: string;
  readonly signal: AbortSignal;
  /** Nothing is rendered after it. @default false */
  readonly isLast?: boolean;
}

/** What `--json` prints of one render, and `--report` writes. */
export interface RenderReport {
  readonly kind: 'bivdiff-report';
  readonly job: string;
  readonly outputs: readonly ReportedOutput[];
  /** The video's; of a PNG sequence, that of the lines that `sha256sum *.png` prints. */
  readonly sha256: string;
  readonly metrics: {
    readonly flicker: Readonly<Record<'generated' | 'smoothed', number | null>>;
    readonly seamRatio: Readonly<Record<'generated' | 'smoothed', number | null>>;
    readonly edgeF1: Readonly<Record<'generated' | 'smoothed', number | null>>;
    readonly depthCorrelation: Readonly<Record<'generated' | 'smoothed', number | null>>;
    readonly jointPck: Readonly<Record<'generated' | 'smoothed', number | null>>;
    readonly drift: number | null;
    /** Relative departure of later parts of the clip from its first: docs/metrics.md. */
    readonly driftError: {
      readonly flicker: Readonly<Record<'generated' | 'smoothed', number | null>>;
      readonly edgeF1: Readonly<Record<'generated' | 'smoothed', number | null>>;
      readonly drift: number | null;
    };
  };
  /** Wall time of all tasks, summed, by the frames that were asked for; null where some had run before. */
  readonly secondsPerFrame: number | null;
  readonly tasks: TaskCounts;
  /** By stage: the wall time of the tasks that ran, summed. */
  readonly seconds: RenderResult['secondsByStage'];
  readonly wallSeconds: number;
  readonly store: string;
  readonly manifest: RenderResult['manifest'];
}

export interface ReportedOutput {
  readonly layout: string;
  readonly format: string;
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** How the first characters of a report and of a trace tell that an earlier run wrote them. */
const REPORT_MARK = '"bivdiff-report"';
const TRACE_MARK = '"bivdiff-trace"';

/**
 * Renders an accepted job and puts its files in place.
 * @throws cancelled — says what is kept and how to go on
 * @throws already-exists — an output is there and differs
 */
export async function renderToFiles(options: RenderToFilesOptions): Promise<RenderReport> {
  const { farm, accepted, view, signal, isLast = false } = options;
  let latest: RenderProgress | undefined;
  let result: RenderResult;
  try {
    result = await farm.render(accepted, {
      signal,
      isLast,
      onProgress: (progress) => {
        latest = progress;
        view.update(progress);
      },
    });
  } catch (reason) {
    const error = BivdiffError.from(reason);
    if (error.code !== 'cancelled') throw error;
    throw stopped(latest, options.storeFolder, reason);
  } finally {
    view.end();
  }
  const report = reportOf(result, options);
  await placeOutputs(farm.store, filesToWrite(result, report, options.files), {
    overwrite: options.overwrite,
  });
  return report;
}

/** The few lines that a person wants to see. */
export function summaryText(report: RenderReport): string {
  const lines = report.outputs.map(
    ({ path, bytes, sha256 }) => `${path}  ${formatBytes(bytes)}  sha256 ${sha256.slice(0, 12)}`,
  );
  const { metrics, tasks } = report;
  const { flicker, seamRatio, edgeF1, depthCorrelation, jointPck, drift } = metrics;
  const figure = (value: number | null): string => formatFigure(value ?? undefined);
  const shots = shotsText(report.manifest['job'] as AcceptedJob);
  // Where there is such a control.
  const kept = (name: string, { generated, smoothed }: typeof edgeF1): string[] =>
    smoothed === null
      ? []
      : [
          `${name}  ${figure(generated)} frame by frame, ${figure(smoothed)} smoothed (1 follows the control)`,
        ];
  lines.push(
    `job ${report.job.slice(0, 12)}: ${plural(tasks.run, 'task')} run, ${tasks.reused} reused, ${formatSeconds(report.wallSeconds)}`,
    ...(shots === undefined ? [] : [`shots    ${shots}`]),
    `flicker  ${figure(flicker.generated)} frame by frame, ${figure(flicker.smoothed)} smoothed (less is steadier)`,
    ...(seamRatio.smoothed === null
      ? []
      : [`seams    ${figure(seamRatio.smoothed)} (flicker where windows meet, of that elsewhere)`]),
    ...kept('edge F1', edgeF1),
    ...kept('depth  ', depthCorrelation),
    ...kept('joints ', jointPck),
    `drift    ${figure(drift)} (how far smoothing moved the colours)`,
  );
  return `${lines.join('\n')}\n`;
}

/** To milliseconds: no clock here is better. */
export function roundSeconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

/** A render that Ctrl-C ended. `latest` is the last that was seen of it. */
export function stopped(
  latest: RenderProgress | undefined,
  storeFolder: string,
  cause: unknown,
): BivdiffError {
  const done = latest?.stages.reduce((sum, stage) => sum + stage.run + stage.reused, 0) ?? 0;
  return new BivdiffError(
    'cancelled',
    `stopped; ${plural(done, 'task')} ${done === 1 ? 'is' : 'are'} in the store at ${storeFolder}; run the same command again to go on`,
    { details: { tasksInStore: done, store: storeFolder }, cause },
  );
}

function reportOf(result: RenderResult, options: RenderToFilesOptions): RenderReport {
  const { flicker, seamRatio, edgeF1, depthCorrelation, jointPck, drift, driftError } =
    result.metrics;
  const told = ({ generated, smoothed }: typeof flicker) => ({
    generated: generated ?? null,
    smoothed: smoothed ?? null,
  });
  const outputs = result.outputs.map(({ params, artifacts }) => ({
    layout: params.layout,
    format: params.format,
    path: pathOf(params.layout, options.files),
    bytes: artifacts.reduce((sum, { bytes }) => sum + bytes, 0),
    sha256: digestOfArtifacts(artifacts),
  }));
  const clip = outputs.find(({ layout }) => layout === 'clip');
  return {
    kind: 'bivdiff-report',
    job: result.jobId,
    outputs,
    sha256: clip?.sha256 ?? '',
    metrics: {
      ...{ flicker: told(flicker), seamRatio: told(seamRatio), edgeF1: told(edgeF1) },
      ...{ depthCorrelation: told(depthCorrelation), jointPck: told(jointPck) },
      drift: drift ?? null,
      driftError: {
        ...{ flicker: told(driftError.flicker), edgeF1: told(driftError.edgeF1) },
        drift: driftError.drift ?? null,
      },
    },
    tasks: result.tasks,
    seconds: Object.fromEntries(
      Object.entries(result.secondsByStage).map(([stage, one]) => [stage, roundSeconds(one)]),
    ),
    secondsPerFrame: secondsPerFrame(result),
    wallSeconds: roundSeconds(result.seconds),
    store: options.storeFolder,
    manifest: result.manifest,
  };
}

function secondsPerFrame({ tasks, secondsByStage, manifest }: RenderResult): number | null {
  if (tasks.reused > 0) return null;
  const seconds = Object.values(secondsByStage).reduce((sum, one) => sum + one, 0);
  return roundSeconds(seconds / wantedFrames(manifest['job'] as AcceptedJob).count);
}

function filesToWrite(
  result: RenderResult,
  report: RenderReport,
  files: OutputFiles,
): OutputFile[] {
  const written: OutputFile[] = result.outputs.map(({ params, artifacts }) => {
    const path = pathOf(params.layout, files);
    const [artifact] = artifacts;
    if (isSequence(params.format) || artifact === undefined) {
      return { kind: 'frames', path, artifacts };
    }
    return { kind: 'artifact', path, artifact };
  });
  const text = (path: string, value: object, mark: string): OutputFile => ({
    kind: 'text',
    path,
    text: `${JSON.stringify(value, null, 2)}\n`,
    mark,
  });
  if (files.report !== undefined) written.push(text(files.report, report, REPORT_MARK));
  if (files.trace !== undefined) {
    written.push(text(files.trace, traceEvents(result.trace), TRACE_MARK));
  }
  return written;
}

function pathOf(
  layout: RenderResult['outputs'][number]['params']['layout'],
  files: OutputFiles,
): string {
  const path = {
    clip: files.output,
    comparison: files.comparison,
    'contact-sheet': files.contactSheet,
  }[layout];
  if (path !== undefined) return path;
  throw new BivdiffError('internal', `the render made a ${layout} that nobody asked for`);
}
