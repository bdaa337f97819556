// Whether every sampler and inverter that a job will use can be made from the models' scheduler configs: what cannot run is told before
// anything is drawn. Pure; what the configs may say is known in common/diffusion.

import { BivdiffError } from '../../common/errors.ts';
import { scheduleDifferences } from '../../common/diffusion/compare-schedules.ts';
import type { ScheduleDifference } from '../../common/diffusion/compare-schedules.ts';
import { createInverter, createSampler } from '../../common/diffusion/create-sampler.ts';
import { kindProblems } from '../../common/diffusion/model-kind.ts';
import type { ModelPart } from '../../common/models/model-set.ts';
import { INVERSION_MODES, SAMPLERS } from '../../common/stages.ts';
import type { InversionMode, SamplerName } from '../../common/stages.ts';

type SchedulerPart = Pick<ModelPart, 'name' | 'config' | 'configFile'>;

export interface SamplerChecks {
  readonly steps: number;
  /** The image model's scheduler: what inversions and smoothing are made from. */
  readonly scheduler: SchedulerPart;
  /** What draws the frames; absent where a job draws none. */
  readonly sampler?: SamplerName | undefined;
  /** That the sampler visits in place of those of the steps. */
  readonly timesteps?: readonly number[] | undefined;
  /** What the sampler is made from, if the generator brings its own. @default `scheduler` */
  readonly generatorScheduler?: SchedulerPart | undefined;
  /** Of the inversions, whichever the mixing ratio leaves; absent where a job inverts nothing. */
  readonly inversion?: InversionMode | undefined;
  /** The video model, if it is known; its scheduler only where its folder has one. */
  readonly video?:
    { readonly name: string; readonly scheduler?: SchedulerPart | undefined } | undefined;
}

/** One sampler or inverter that the job needs. */
interface Need {
  readonly field: 'scheduler' | 'timesteps' | 'inversion.mode' | 'models';
  /** The config that it is made from. */
  readonly file: string;
  /** As in "… cannot run with". */
  readonly name: string;
  readonly make: (steps: number) => unknown;
  /** What could do its work instead, by name. */
  readonly others: readonly (readonly [string, () => unknown])[];
}

/** Every reason why the job's samplers cannot run, as `field: what and what to do`; each once, whoever shares it. */
export function samplerProblems(checks: SamplerChecks): string[] {
  const failures = needsOf(checks).flatMap((need) => {
    const error = errorOf(() => need.make(checks.steps));
    return error === undefined ? [] : [{ need, error }];
  });
  const isOfSteps = ({ error }: Failure): boolean => 'steps' in error.details;
  const ofConfig = failures.filter((failure) => !isOfSteps(failure));
  // What the image model's schedule is wrong in, the video model's need not be like: that would be told for the same cause.
  const isImageWrong = ofConfig.some(({ need }) => need.field === 'models');
  return [
    ...stepProblems(failures.filter(isOfSteps), checks),
    ...configProblems(ofConfig),
    ...(isImageWrong ? [] : videoProblems(checks)),
  ];
}

interface Failure {
  readonly need: Need;
  readonly error: BivdiffError;
}

function needsOf(checks: SamplerChecks): Need[] {
  const { steps, scheduler, generatorScheduler = scheduler, inversion } = checks;
  const { config } = scheduler;
  const file = fileOf(scheduler);
  const needs: Need[] = [];
  if (checks.sampler !== undefined) {
    needs.push(drawingNeed({ ...checks, sampler: checks.sampler, generatorScheduler }));
  }
  if (inversion !== undefined) {
    needs.push({
      field: 'inversion.mode',
      file,
      name: `inversion ${inversion}`,
      make: (count) => createInverter(inversion, config, { steps: count }),
      others: INVERSION_MODES.map((mode) => [mode, () => createInverter(mode, config, { steps })]),
    });
  }
  needs.push({
    field: 'models',
    file,
    name: 'smoothing (ddim)',
    make: (count) => createSampler('ddim', config, { steps: count }),
    others: [],
  });
  return needs;
}

function drawingNeed({
  steps,
  sampler,
  timesteps,
  generatorScheduler,
}: SamplerChecks & {
  readonly sampler: SamplerName;
  readonly generatorScheduler: SchedulerPart;
}): Need {
  const make = (name: SamplerName, count: number): unknown => {
    const options = { steps: timesteps?.length ?? count, timesteps };
    return createSampler(name, generatorScheduler.config, options);
  };
  return {
    field: timesteps === undefined ? 'scheduler' : 'timesteps',
    file: fileOf(generatorScheduler),
    name: `sampler ${sampler}`,
    make: (count) => make(sampler, count),
    others: SAMPLERS.map((name) => [name, () => make(name, steps)]),
  };
}

/** One line for all: another count helps them together. */
function stepProblems(failures: readonly Failure[], checks: SamplerChecks): string[] {
  if (failures.length === 0) return [];
  const reasons = groupBy(failures, ({ error }) => problemsOf(error).join(', '));
  const why = reasons.map(([reason, same]) => `${namesOf(same)}: ${reason}`).join('; ');
  const fitting = nearestFit(failures, checks.steps);
  const remedy =
    fitting === undefined
      ? 'no count fits; use other models, or correct the file'
      : `the nearest count that fits is ${fitting}`;
  const files = [...new Set(failures.map(({ need }) => need.file))].join(' and ');
  return [`steps: ${checks.steps} do not fit ${files} (${why}); ${remedy}`];
}

/** The count nearest to `steps` that all of these can take. No model is trained on more than 100,000 timesteps, few on over 1,000. */
function nearestFit(failures: readonly Failure[], steps: number): number | undefined {
  const canTake = (count: number): boolean =>
    failures.every(({ need }) => errorOf(() => need.make(count)) === undefined);
  for (let distance = 1; distance < 1000; distance += 1) {
    const found = [steps - distance, steps + distance].find(
      (count) => count >= 1 && count <= 1000 && canTake(count),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A line for each set of problems, under the field of the first that cannot be had otherwise. */
function configProblems(failures: readonly Failure[]): string[] {
  const groups = groupBy(failures, ({ error }) => problemsOf(error).join(', '));
  return groups.map(([reason, same]) => {
    // Smoothing is always DDIM: where it fails, no other setting helps.
    const { need } = same.find((failure) => failure.need.field === 'models') ?? same[0]!;
    const fitting = need.others.filter(([, make]) => errorOf(make) === undefined);
    const remedy =
      fitting.length > 0
        ? `choose ${oneOf(fitting.map(([name]) => name))}, which can, or other models`
        : 'use other models, or correct the file';
    const verb = `cannot run with ${[...new Set(same.map((one) => one.need.file))].join(' and ')}`;
    return `${need.field}: ${namesOf(same)} ${verb}: ${reason}; ${remedy}`;
  });
}

function videoProblems({ scheduler, video }: SamplerChecks): string[] {
  if (video?.scheduler === undefined) return [];
  const foreign = kindProblems(video.scheduler.config);
  if (foreign.length > 0) {
    const file = fileOf(video.scheduler);
    const why = foreign.join(', ');
    return [
      `videoModel: ${video.name} cannot smooth: ${file}: ${why}; choose another video model, or correct the file`,
    ];
  }
  const differences = scheduleDifferences(scheduler.config, video.scheduler.config);
  if (differences.length === 0) return [];
  const values = (side: 'first' | 'second'): string =>
    differences.map((difference) => valueOf(difference, side)).join(', ');
  return [
    `videoModel: ${video.name} was trained for other noise than the image model, whose latents it would smooth: ` +
      `${fileOf(video.scheduler)} has ${values('second')}; ${fileOf(scheduler)} has ${values('first')}; ` +
      'choose a video model that was trained like the image model, or correct the file that is wrong',
  ];
}

function valueOf(difference: ScheduleDifference, side: 'first' | 'second'): string {
  const value = difference[side];
  const text = Array.isArray(value) ? `a list of ${value.length}` : JSON.stringify(value);
  return `${difference.key} ${text}`;
}

function errorOf(make: () => unknown): BivdiffError | undefined {
  try {
    make();
    return undefined;
  } catch (reason) {
    if (reason instanceof BivdiffError) return reason;
    throw reason;
  }
}

function problemsOf({ message, details }: BivdiffError): readonly string[] {
  const { problems } = details;
  return Array.isArray(problems) ? problems.map(String) : [message];
}

function groupBy(
  failures: readonly Failure[],
  keyOf: (failure: Failure) => string,
): (readonly [string, readonly Failure[]])[] {
  return [...Map.groupBy(failures, keyOf)];
}

function oneOf(names: readonly string[]): string {
  const last = names.at(-1)!;
  return names.length === 1 ? last : `${names.slice(0, -1).join(', ')} or ${last}`;
}

function namesOf(failures: readonly Failure[]): string {
  return failures.map(({ need }) => need.name).join(', ');
}

function fileOf({ name, configFile }: SchedulerPart): string {
  return configFile ?? name;
}
