// `bivdiff compare --baselines`: renders specs by BIVDiff and by what the paper compares it with, and compares them.

import { readdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import type { ClipModel } from '../compare/clip-model.ts';
import type { BaselineSpec } from '../compare/baselines.ts';
import { placeReport } from '../compare/place-report.ts';
import type { Farm } from '../farm.ts';
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
  const [{ METHODS, renderBaselines, compareBaselines }, compared] = await Promise.all([
    import('../compare/baselines.ts'),
    import('../compare/compared.ts'),
  ]);
  const files = specs.length > 0 ? specs : await shippedSpecs(environment);
  const signal = environment.interruption();
  const view = createView(run, environment);
  const result = await withFarm(run, environment, async (farm: Farm) => {
    const accepted: BaselineSpec[] = [];
    for (const file of files) {
      const own: BaselineSpec['accepted'][number][] = [];
      for (const [index, method] of METHODS.entries()) {
        // A prompt is for files: specs have their own.
        const flags = { ...typed, prompt: undefined, ...method.flags };
        const layer = layerOfFlags(flags, environment);
        const request = await requestFromFile(file, layer, {
          ...{ needsOutput: false, command: 'plan' },
        });
        const warned = index === 0 ? { onWarning: warningsTo(environment.stderr) } : {};
        own.push(await acceptRequest(farm, request, { signal, ...warned }));
      }
      accepted.push({ name: basename(file, extname(file)), accepted: own });
    }
    checkAlike(accepted);
    await renderBaselines(farm, accepted, {
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
    return compareBaselines(farm.store, accepted, { signal, model });
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
function checkAlike(specs: readonly BaselineSpec[]): void {
  const problems: string[] = [];
  const [first, ...others] = specs.map(({ name, accepted }) => ({ name, job: accepted[0]!.job }));
  for (const { name, job } of others) {
    const sizeOf = ({ frames, width, height }: typeof job): string =>
      `${frames} frames of ${width}x${height}`;
    if (sizeOf(job) === sizeOf(first!.job)) continue;
    problems.push(`${name} renders ${sizeOf(job)}, ${first!.name} ${sizeOf(first!.job)}`);
  }
  if (problems.length === 0) return;
  throw new BivdiffError('invalid-argument', problems.join('; '), { details: { problems } });
}
