// `bivdiff render`: one render from flags or a spec file, or a batch of them, on one farm.

import { access } from 'node:fs/promises';

import type { Command } from 'commander';

import { BivdiffError } from '../../common/errors.ts';
import { acceptRequest } from '../request/accept-request.ts';
import type { AcceptRequestOptions } from '../request/accept-request.ts';
import {
  at,
  batchRefusal,
  draftBatch,
  flagsBesideBatch,
  placeInBatch,
} from '../request/batch-file.ts';
import { lookAtLines, placedProblems } from '../request/batch-problems.ts';
import { checkDraft, placeProblems, storeProblems } from '../request/check-drafts.ts';
import type { Accepted, Farm, RequestLook } from '../farm.ts';
import { plural } from '../output/format.ts';
import { errorJson, errorText } from '../output/error-text.ts';
import { EXIT_FAILED, EXIT_OK } from '../output/exit-codes.ts';
import { createView, withFarm } from '../local/open-farm.ts';
import type { ProgressView } from '../output/progress.ts';
import { renderToFiles, summaryText } from '../local/render-to-files.ts';
import type { RenderReport } from '../local/render-to-files.ts';
import { draftRequest } from '../request/render-request.ts';
import type { RenderRequest, RequestDraft } from '../request/render-request.ts';
import type { RequestProblem } from '../request/request-problems.ts';
import { addRenderFlags } from '../flags/render-flags.ts';
import { draftRunOptions, layerOfFlags } from '../request/run-options.ts';
import type { TypedFlags } from '../flags/render-flags.ts';
import type { RunOptions } from '../request/run-options.ts';
import type { OutputFiles } from '../request/spec-layer.ts';
import { printJson, warningsTo } from '../terminal.ts';
import type { CliEnvironment } from '../terminal.ts';

const EXAMPLES = `
Examples:
  bivdiff render --task controlnet --control canny --input clip.mp4 --frames 8 --stride 4 \\
    --prompt "a red square" --output out.mp4
  bivdiff render spec.yaml --output out.webm --comparison panels.webm
  bivdiff render --batch jobs.jsonl --store /data/store --slots 2

A spec file (YAML or JSON; flags go before it; paths are relative to it):
  apiVersion: bivdiff/v1
  task: controlnet
  input: { path: clip.mp4, stride: 4 }
  prompt: a red square
  output: { file: out.mp4, comparison: true }

A batch has one such object a line (apiVersion may be left out; "output" may be just the file), or is
CSV with flag names in its first line. Flags are the defaults of all lines.

Ctrl-C stops within one step; the same command goes on where it was. Exit codes: 0 done, 1 failed,
2 something in the command or its files is wrong, 130 stopped by Ctrl-C.`;

/** Adds the command. `finish` takes the exit code. */
export function addRenderCommand(
  program: Command,
  environment: CliEnvironment,
  finish: (exitCode: number) => void,
): void {
  const command = program
    .command('render')
    .summary('Render a video')
    .description('Render a video: from flags, from a spec file, or a batch of them')
    .argument('[spec]', 'Spec file, YAML or JSON')
    .option(
      '--batch <FILE>',
      'Renders to do, one a line: JSONL, or CSV with flag names as headers',
    );
  addRenderFlags(command)
    .addHelpText('after', EXAMPLES)
    .action(async (specFile: string | undefined, typed: TypedFlags) => {
      finish(await render(specFile, typed, environment));
    });
}

async function render(
  specFile: string | undefined,
  typed: TypedFlags,
  environment: CliEnvironment,
): Promise<number> {
  const { batch } = typed;
  if (typeof batch === 'string') return renderBatch(batch, specFile, typed, environment);
  const flags = layerOfFlags(typed, environment);
  const draft = await draftRequest(specFile, flags, { needsOutput: true });
  const besides: RequestProblem[] = [];
  const run = await draftRunOptions(typed, environment, besides);
  const signal = environment.interruption();
  const view = createView(run, environment);
  const before = (look: RequestLook): Promise<void> =>
    checkDraft(draft, { look, signal, run, besides, writes: pathsOf(draft), command: 'render' });
  const { request } = draft;
  const work = async (farm: Farm): Promise<RenderReport> => {
    const onWarning = warningsTo(environment.stderr);
    const progress = run.quiet ? undefined : environment;
    const accepted = await acceptRequest(farm, request, { signal, onWarning, progress });
    await noteExisting(request.files, run, view);
    const { files } = request;
    const {
      overwrite,
      farm: { storeFolder },
    } = run;
    const where = { files, overwrite, storeFolder };
    return renderToFiles({ farm, accepted, ...where, view, signal, isLast: true });
  };
  const report = await withFarm(run, environment, work, before);
  if (run.json) printJson(environment.stdout, report);
  else environment.stdout.write(summaryText(report));
  return EXIT_OK;
}

function pathsOf({ request }: RequestDraft): readonly string[] {
  return Object.values(request.files) as string[];
}

interface BatchEntry {
  readonly request: RenderRequest;
  readonly accepted: Accepted;
}

/** What `--json` prints of one line of a batch. */
type BatchOutcome = { readonly origin: string } & (RenderReport | ReturnType<typeof errorJson>);

async function renderBatch(
  path: string,
  specFile: string | undefined,
  given: TypedFlags,
  environment: CliEnvironment,
): Promise<number> {
  const { typed, problems: besides } = flagsBesideBatch(specFile, given);
  const flags = layerOfFlags(typed, environment);
  const batch = await draftBatch(path, flags, { needsOutput: true });
  const problems = [...besides, ...batch.problems];
  const run = await draftRunOptions(typed, environment, problems);
  const signal = environment.interruption();
  const before = async (look: RequestLook): Promise<void> => {
    const { lines } = await lookAtLines(path, batch, { look, signal });
    problems.push(...(await placedProblems(lines, batch, { look, signal })));
    for (const draft of batch.drafts) {
      const places = await placeProblems(pathsOf(draft));
      problems.push(...at(placeInBatch(draft.request, path), places));
    }
    problems.push(...(await storeProblems(run, batch.drafts.flatMap(pathsOf))));
    if (problems.length > 0) throw batchRefusal(path, problems);
  };
  const work = async (farm: Farm): Promise<BatchOutcome[]> => {
    const requests = batch.drafts.map(({ request }) => request);
    const entries = await acceptAll(path, requests, farm, {
      signal,
      onWarning: warningsTo(environment.stderr),
      progress: run.quiet ? undefined : environment,
    });
    return renderEntries({ entries, farm, run, signal }, environment);
  };
  const outcomes = await withFarm(run, environment, work, before);
  const failed = outcomes.filter((outcome) => 'error' in outcome).length;
  if (run.json) printJson(environment.stdout, { jobs: outcomes, failed });
  else environment.stdout.write(`${plural(outcomes.length, 'render')}, ${failed} failed\n`);
  return failed === 0 ? EXIT_OK : EXIT_FAILED;
}

interface BatchRun {
  readonly entries: readonly BatchEntry[];
  readonly farm: Farm;
  readonly run: RunOptions;
  readonly signal: AbortSignal;
}

/** One after the other, each over all slots; one that fails does not stop the others. */
async function renderEntries(
  batch: BatchRun,
  environment: CliEnvironment,
): Promise<BatchOutcome[]> {
  const { entries, farm, run, signal } = batch;
  const view = createView(run, environment);
  const outcomes: BatchOutcome[] = [];
  for (const [index, { request, accepted }] of entries.entries()) {
    const { origin, files } = request;
    view.note(`[${index + 1}/${entries.length}] ${files.output ?? origin}`);
    try {
      const report = await renderToFiles({
        farm,
        accepted,
        files,
        overwrite: run.overwrite,
        view,
        storeFolder: run.farm.storeFolder,
        signal,
      });
      outcomes.push({ origin, ...report });
      if (!run.json) environment.stdout.write(summaryText(report));
    } catch (reason) {
      const error = BivdiffError.from(reason);
      if (error.code === 'cancelled') throw error;
      environment.stderr.write(`${origin}: ${errorText(error, environment)}`);
      outcomes.push({ origin, ...errorJson(error) });
    }
  }
  return outcomes;
}

/** All before the first runs, so that a line without the memory that it needs is told before a long run, not after it. */
async function acceptAll(
  path: string,
  requests: readonly RenderRequest[],
  farm: Farm,
  { signal, onWarning, progress }: Required<AcceptRequestOptions>,
): Promise<BatchEntry[]> {
  const entries: BatchEntry[] = [];
  const problems: RequestProblem[] = [];
  for (const request of requests) {
    try {
      const accepted = await acceptRequest(farm, request, {
        ...{ signal, progress },
        onWarning: (text) => {
          onWarning(`${placeInBatch(request, path)}: ${text}`);
        },
      });
      entries.push({ request, accepted });
    } catch (reason) {
      const error = BivdiffError.from(reason);
      if (error.code === 'cancelled') throw error;
      problems.push({ text: `${placeInBatch(request, path)}: ${error.message}` });
    }
  }
  if (problems.length > 0) throw batchRefusal(path, problems);
  return entries;
}

async function noteExisting(
  files: OutputFiles,
  run: RunOptions,
  view: ProgressView,
): Promise<void> {
  if (run.overwrite || files.output === undefined) return;
  const isThere = await access(files.output).then(
    () => true,
    () => false,
  );
  if (isThere) {
    view.note(
      `${files.output} exists: it stays unless the render gives the same, or --overwrite is added`,
    );
  }
}
