// `bivdiff sweep`: the same render with one or two settings tried at several values. All that they share runs once.

import { join, resolve } from 'node:path';

import type { Command } from 'commander';

import { endingOf, isSequence } from '../../common/outputs/output-formats.ts';
import { htmlPlace } from '../compare/place-report.ts';
import { acceptRequest } from '../request/accept-request.ts';
import type { Accepted, Farm, RequestLook } from '../farm.ts';
import { createView, withFarm } from '../local/open-farm.ts';
import { EXIT_OK } from '../output/exit-codes.ts';
import { renderToFiles } from '../local/render-to-files.ts';
import { sweepTable, sweepText } from '../local/sweep-table.ts';
import type { SweepPlaces, SweepResult } from '../local/sweep-table.ts';
import { checkDraft, placeProblems, problemsOfDraft } from '../request/check-drafts.ts';
import type { CheckOptions, LookOptions } from '../request/check-drafts.ts';
import { draftRequest } from '../request/render-request.ts';
import type { RenderRequest, RequestDraft } from '../request/render-request.ts';
import { lookedAt } from '../request/request-problems.ts';
import type { RequestProblem } from '../request/request-problems.ts';
import { RENDER_FLAGS } from '../flags/flag-table.ts';
import { addRenderFlags, describeFlag } from '../flags/render-flags.ts';
import { draftRunOptions, layerOfFlags } from '../request/run-options.ts';
import type { TypedFlags } from '../flags/render-flags.ts';
import type { RunOptions } from '../request/run-options.ts';
import {
  flagsOfPoint,
  SWEPT_FIELDS,
  pointLabel,
  pointName,
  sweptFields,
  SWEPT,
  sweepPoints,
  withoutSwept,
} from '../flags/sweep-points.ts';
import type { SweepPoint } from '../flags/sweep-points.ts';
import { printJson, warningsTo } from '../terminal.ts';
import type { CliEnvironment } from '../terminal.ts';

const EXAMPLES = `
Examples:
  bivdiff sweep --mixing-ratio 0,0.25,0.5,0.75,1 --task controlnet --input clip.mp4 \\
    --prompt "a red square" --output sweep/
  bivdiff sweep spec.yaml --bridging mixed,image-only,video-only,none --output sweep/ --html sweep/page.html

What the renders share (frames, latents, inversions) is made once. The folder gets a video of each,
contact-sheet.png (any control, frame by frame, then a row of each) and table.json. Several values may
have: ${SWEPT.map(({ flag }) => `--${flag}`).join(', ')}; two of them at once make a grid.`;

const OWN_DOCS: Readonly<Record<string, string>> = {
  output: 'Folder for the videos, contact-sheet.png and table.json',
  ...Object.fromEntries(
    RENDER_FLAGS.filter(({ name }) => SWEPT.some(({ flag }) => flag === name)).map((flag) => [
      flag.name,
      `${describeFlag(flag)}; several with commas between`,
    ]),
  ),
};

/** Files that a sweep names itself. */
const WITHOUT = ['comparison', 'contact-sheet', 'report', 'trace'] as const;

/** Adds the command. `finish` takes the exit code. */
export function addSweepCommand(
  program: Command,
  environment: CliEnvironment,
  finish: (exitCode: number) => void,
): void {
  const command = program
    .command('sweep')
    .summary('Compare values of a setting')
    .description(
      'Render with several values of one or two settings and compare: videos, one contact sheet, one table',
    )
    .argument('[spec]', 'Spec file, YAML or JSON');
  addRenderFlags(command, { without: WITHOUT, docs: OWN_DOCS })
    .option('--html <FILE>', 'Write a page that compares all of them, as bivdiff compare does')
    .addHelpText('after', EXAMPLES)
    .action(async (specFile: string | undefined, typed: TypedFlags) => {
      finish(await sweep(specFile, typed, environment));
    });
}

async function sweep(
  specFile: string | undefined,
  typed: TypedFlags,
  environment: CliEnvironment,
): Promise<number> {
  const { output, ...others } = typed;
  const problems: RequestProblem[] = [];
  const points = (await lookedAt(() => sweepPoints(typed), problems)) ?? [];
  if (typeof output !== 'string' || output === '') {
    problems.push({ text: '--output is missing: the folder for the results' });
  }
  const folder = resolve(environment.folder, String(output ?? ''));
  const drafts = await draftsOf(specFile, points, { typed: others, environment });
  const run = await draftRunOptions(typed, environment, problems);
  problems.push(...(await placeProblems([join(folder, 'table.json')])));
  const html = await lookedAt(() => htmlPlace(typed['html'], environment.folder), problems);
  const signal = environment.interruption();
  const before = (look: RequestLook): Promise<void> =>
    checkPoints(drafts, { look, signal, run, besides: problems });
  const renders = drafts.map(({ request }, index) => ({ request, point: points[index]! }));
  const work = (farm: Farm): Promise<SweepResult[]> =>
    renderPoints({ farm, renders, folder, html, run, signal }, environment);
  const results = await withFarm(run, environment, work, before);
  const table = sweepTable(results, { folder, html });
  if (run.json) printJson(environment.stdout, table);
  else environment.stdout.write(sweepText(results, { folder, html }));
  return EXIT_OK;
}

interface PointRender {
  readonly point: SweepPoint;
  readonly request: RenderRequest;
}

interface SweepFlags {
  readonly typed: TypedFlags;
  readonly environment: CliEnvironment;
}

/** One for each point; of points that are none, one without what would be swept. */
async function draftsOf(
  specFile: string | undefined,
  points: readonly SweepPoint[],
  { typed, environment }: SweepFlags,
): Promise<readonly RequestDraft[]> {
  const options = { needsOutput: false, command: 'sweep', swept: sweptFields(points) } as const;
  const drafts: RequestDraft[] = [];
  for (const point of points) {
    const flags = layerOfFlags(flagsOfPoint(point, typed), environment);
    drafts.push(await draftRequest(specFile, flags, options));
  }
  if (points.length > 0) return drafts;
  const flags = layerOfFlags(withoutSwept(typed), environment);
  const unknown = [...flags.unknown, ...SWEPT_FIELDS];
  return [await draftRequest(specFile, { ...flags, unknown }, { ...options, swept: SWEPT_FIELDS })];
}

/** @throws invalid-argument — all that is wrong in any of them, each problem once */
async function checkPoints(
  drafts: readonly RequestDraft[],
  { besides, ...options }: LookOptions & Required<Pick<CheckOptions, 'run' | 'besides'>>,
): Promise<void> {
  const [first, ...others] = drafts;
  if (first === undefined) return;
  const found: RequestProblem[] = [...besides];
  for (const draft of others) found.push(...(await problemsOfDraft(draft, options)));
  await checkDraft(first, { ...options, besides: found, command: 'sweep' });
}

interface SweepRun extends SweepPlaces {
  readonly farm: Farm;
  readonly renders: readonly PointRender[];
  readonly run: RunOptions;
  readonly signal: AbortSignal;
}

async function renderPoints(
  sweepRun: SweepRun,
  environment: CliEnvironment,
): Promise<SweepResult[]> {
  const { farm, renders, folder, html, run, signal } = sweepRun;
  const view = createView(run, environment);
  const { format } = renders[0]!.request.spec.output;
  const ending = isSequence(format) ? '/' : endingOf(format);
  // All are accepted before the first runs: what does not fit is told at once.
  const accepted: Accepted[] = [];
  const onWarning = warningsTo(environment.stderr);
  for (const [index, { request: asked }] of renders.entries()) {
    const output = { ...asked.spec.output, comparison: false, contactSheet: false };
    const request = { ...asked, spec: { ...asked.spec, output } };
    // Their prompts are the same.
    const progress = run.quiet ? undefined : environment;
    const options = index === 0 ? { signal, onWarning, progress } : { signal, progress };
    accepted.push(await acceptRequest(farm, request, options));
  }
  const results: SweepResult[] = [];
  for (const [index, { point }] of renders.entries()) {
    const one = accepted[index]!;
    view.note(`[${index + 1}/${renders.length}] ${pointLabel(point)}`);
    const report = await renderToFiles({
      farm,
      accepted: one,
      files: { output: join(folder, `${pointName(point)}${ending}`) },
      overwrite: run.overwrite,
      view,
      storeFolder: run.farm.storeFolder,
      signal,
    });
    results.push({ point, accepted: one, report });
  }
  const rows = results.map(({ point, accepted: { jobId, job, spec } }) => ({
    ...{ label: pointLabel(point), jobId, job, request: spec },
  }));
  const table = sweepTable(results, { folder, html });
  // Loads picture codecs, which no other command shall wait for.
  const { placeSweepFiles } = await import('../local/sweep-files.ts');
  await placeSweepFiles(farm.store, { folder, rows, table, overwrite: run.overwrite });
  if (html !== undefined) {
    const { placeSweepPage } = await import('../compare/sweep-page.ts');
    const points = results.map(({ point }) => point);
    await placeSweepPage(farm.store, {
      path: html,
      rows,
      points,
      signal,
      overwrite: run.overwrite,
    });
  }
  return results;
}
