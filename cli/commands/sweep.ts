// `bivdiff sweep`: the same render with one or two settings tried at several values. All that they share runs once.

import { join, resolve } from 'node:path';

import type { Command } from 'commander';

import { BivdiffError } from '../../common/errors.ts';
import { endingOf, isSequence } from '../../common/outputs/output-formats.ts';
import { htmlPlace } from '../compare/place-report.ts';
import { acceptRequest } from '../request/accept-request.ts';
import type { Accepted, Farm } from '../farm.ts';
import { createView, withFarm } from '../local/open-farm.ts';
import { checkPlaces } from '../output/place-outputs.ts';
import { EXIT_OK } from '../output/exit-codes.ts';
import { renderToFiles } from '../local/render-to-files.ts';
import { sweepTable, sweepText } from '../local/sweep-table.ts';
import type { SweepPlaces, SweepResult } from '../local/sweep-table.ts';
import { requestFromFile, requestFromFlags } from '../request/render-request.ts';
import type { RenderRequest } from '../request/render-request.ts';
import { RENDER_FLAGS } from '../flags/flag-table.ts';
import { addRenderFlags, describeFlag } from '../flags/render-flags.ts';
import type { SpecLayer } from '../request/spec-layer.ts';
import { layerOfFlags, runOptions } from '../request/run-options.ts';
import type { TypedFlags } from '../flags/render-flags.ts';
import type { RunOptions } from '../request/run-options.ts';
import {
  flagsOfPoint,
  pointLabel,
  pointName,
  sweptFields,
  SWEPT,
  sweepPoints,
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
  const points = sweepPoints(typed);
  if (typeof output !== 'string' || output === '') {
    throw new BivdiffError('invalid-argument', '--output is missing: the folder for the results');
  }
  const folder = resolve(environment.folder, output);
  const renders = await requestsOf(specFile, points, (point) =>
    layerOfFlags(flagsOfPoint(point, others), environment),
  );
  const run = runOptions(typed, environment);
  await checkPlaces([join(folder, 'table.json')]);
  const html = await htmlPlace(typed['html'], environment.folder);
  const results = await withFarm(run, environment, (farm) =>
    renderPoints({ farm, renders, folder, html, run }, environment),
  );
  const table = sweepTable(results, { folder, html });
  if (run.json) printJson(environment.stdout, table);
  else environment.stdout.write(sweepText(results, { folder, html }));
  return EXIT_OK;
}

interface PointRender {
  readonly point: SweepPoint;
  readonly request: RenderRequest;
}

/** @throws invalid-argument — all that is wrong in any of them, each problem once */
async function requestsOf(
  specFile: string | undefined,
  points: readonly SweepPoint[],
  layerOf: (point: SweepPoint) => SpecLayer,
): Promise<readonly PointRender[]> {
  const swept = sweptFields(points);
  const options = { needsOutput: false, command: 'sweep', swept } as const;
  const renders: PointRender[] = [];
  const problems = new Set<string>();
  let hint: string | undefined;
  for (const point of points) {
    try {
      const layer = layerOf(point);
      const request =
        specFile === undefined
          ? requestFromFlags(layer, options)
          : await requestFromFile(specFile, layer, options);
      renders.push({ point, request });
    } catch (reason) {
      const error = BivdiffError.from(reason);
      const { problems: several } = error.details;
      if (!Array.isArray(several)) throw error;
      hint ??= error.hint;
      for (const one of several) problems.add(String(one));
    }
  }
  if (problems.size === 0) return renders;
  const all = [...problems];
  throw new BivdiffError('invalid-argument', all.join('; '), {
    ...(hint === undefined ? {} : { hint }),
    details: { problems: all },
  });
}

interface SweepRun extends SweepPlaces {
  readonly farm: Farm;
  readonly renders: readonly PointRender[];
  readonly run: RunOptions;
}

async function renderPoints(
  sweepRun: SweepRun,
  environment: CliEnvironment,
): Promise<SweepResult[]> {
  const { farm, renders, folder, html, run } = sweepRun;
  const signal = environment.interruption();
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
