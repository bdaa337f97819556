// `bivdiff compare --baselines`: renders specs by BIVDiff and by what the paper compares it with, and compares them.

import { readdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import type { ClipModel } from '../compare/clip-model.ts';
import { acceptTuned, tuneOptions } from '../compare/accept-tuned.ts';
import type { PlainSpec, TuneOptions } from '../compare/accept-tuned.ts';
import type { Baselines, Method } from '../compare/baselines.ts';
import { placeReport } from '../compare/place-report.ts';
import type { Accepted, Farm } from '../farm.ts';
import type { TypedFlags } from '../flags/render-flags.ts';
import { createView, withFarm } from '../local/open-farm.ts';
import { acceptRequest } from '../request/accept-request.ts';
import { requestFromFile } from '../request/render-request.ts';
import { layerOfFlags, runOptions } from '../request/run-options.ts';
import { printJson, warningsTo } from '../terminal.ts';
import type { CliEnvironment } from '../terminal.ts';

export interface BaselineOptions {
  readonly typed: TypedFlags;
  /** Of the page, absolute, if it is wanted. */
  readonly htmlPath: string | undefined;
  readonly model: ClipModel | undefined;
}

/** `specs`: spec files; none means the examples that ship. */
export async function compareWithBaselines(
  specs: readonly string[],
  options: BaselineOptions,
  environment: CliEnvironment,
): Promise<void> {
  const { typed, htmlPath, model } = options;
  const run = runOptions(typed, environment);
  const tune = tuneOptions(typed, environment);
  const [{ renderBaselines, compareBaselines }, compared] = await Promise.all([
    import('../compare/baselines.ts'),
    import('../compare/compared.ts'),
  ]);
  const files = specs.length > 0 ? specs : await shippedSpecs(environment);
  const signal = environment.interruption();
  const view = createView(run, environment);
  const result = await withFarm(run, environment, async (farm: Farm) => {
    const onNote = (text: string): void => view.note(text);
    const baselines = await acceptAll(farm, files, { typed, tune, signal, environment, onNote });
    await renderBaselines(farm, baselines, {
      signal,
      onRender: (name) => {
        view.note(name);
        return (progress) => {
          view.update(progress);
        };
      },
      onEnd: () => {
        view.end();
      },
    });
    return compareBaselines(farm.store, baselines, { signal, model });
  });
  const { comparison, means, grid } = result;
  if (htmlPath !== undefined) {
    const report = await compared.reportOf(comparison, {
      title:
        typeof typed['title'] === 'string'
          ? typed['title']
          : 'BIVDiff and what it is compared with',
      ...{ grid, means },
    });
    await placeReport(htmlPath, report, { overwrite: run.overwrite });
  }
  if (run.json) {
    printJson(environment.stdout, {
      ...compared.comparisonJson(comparison, htmlPath),
      means: means.map(({ label, measured }) => ({ label, measured })),
    });
    return;
  }
  const { figures, notes } = comparison;
  const text = compared.comparisonText({ clips: means, figures, reference: 0, notes });
  environment.stdout.write(`${text}${htmlPath === undefined ? '' : `\n${htmlPath}\n`}`);
}

interface AcceptOptions {
  readonly typed: TypedFlags;
  readonly tune: TuneOptions;
  readonly signal: AbortSignal;
  readonly environment: CliEnvironment;
  readonly onNote: (text: string) => void;
}

/** Each spec by each method that all of them are fit for. */
async function acceptAll(
  farm: Farm,
  files: readonly string[],
  { typed, tune, signal, environment, onNote }: AcceptOptions,
): Promise<Baselines> {
  const { METHODS, TUNE_A_VIDEO } = await import('../compare/baselines.ts');
  const plain = METHODS.filter((method) => method !== TUNE_A_VIDEO);
  const notes = new Map<Method, string>();
  const all: { readonly name: string; readonly byMethod: Map<Method, Accepted> }[] = [];
  for (const file of files) {
    const byMethod = new Map<Method, Accepted>();
    for (const method of plain) {
      // A prompt is for files: specs have their own.
      const flags = { ...typed, prompt: undefined, ...method.flags };
      const layer = layerOfFlags(flags, environment);
      const warned = method === METHODS[0] ? { onWarning: warningsTo(environment.stderr) } : {};
      try {
        const options = { needsOutput: false, command: 'plan' } as const;
        const request = await requestFromFile(file, layer, options);
        byMethod.set(method, await acceptRequest(farm, request, { signal, ...warned }));
      } catch (reason) {
        const { code, message } = BivdiffError.from(reason);
        if (method.isOptional !== true || code !== 'invalid-argument') throw reason;
        notes.set(method, `${method.name} is left out: ${message}`);
      }
    }
    all.push({ name: basename(file, extname(file)), byMethod });
  }
  const first = all.map(({ name, byMethod }) => ({ name, accepted: byMethod.get(plain[0]!)! }));
  checkAlike(first);
  const tuned = await acceptTuned(farm, first, { ...tune, signal, onNote });
  if ('why' in tuned) notes.set(TUNE_A_VIDEO, `${TUNE_A_VIDEO.name} is left out: ${tuned.why}`);
  else tuned.accepted.forEach((one, index) => all[index]!.byMethod.set(TUNE_A_VIDEO, one));
  const methods = METHODS.filter((method) => !notes.has(method));
  const specs = all.map(({ name, byMethod }) => ({
    name,
    accepted: methods.map((method) => byMethod.get(method)!),
  }));
  return { methods, specs, notes: [...notes.values()] };
}

/** They lie beside the models. */
async function shippedSpecs({ modelsFolder }: CliEnvironment): Promise<readonly string[]> {
  const folder = join(modelsFolder, '..', 'examples');
  const names = await readdir(folder).catch((): string[] => []);
  const specs = names.filter((name) => name.endsWith('.yaml')).sort();
  if (specs.length > 0) return specs.map((name) => join(folder, name));
  throw new BivdiffError('not-found', `there are no examples in ${folder}`, {
    hint: 'Name spec files: bivdiff compare --baselines a.yaml b.yaml',
  });
}

/** One page shows them in step. @throws invalid-argument */
function checkAlike(specs: readonly PlainSpec[]): void {
  const problems: string[] = [];
  const [first, ...others] = specs.map(({ name, accepted }) => ({ name, job: accepted.job }));
  for (const { name, job } of others) {
    const sizeOf = ({ frames, width, height }: typeof job): string =>
      `${frames} frames of ${width}x${height}`;
    if (sizeOf(job) === sizeOf(first!.job)) continue;
    problems.push(`${name} renders ${sizeOf(job)}, ${first!.name} ${sizeOf(first!.job)}`);
  }
  if (problems.length === 0) return;
  throw new BivdiffError('invalid-argument', problems.join('; '), { details: { problems } });
}
