// The controls of a job: how they are accepted, of a spec and the models that draw along them.

import { z } from 'zod';

import type { Annotator, Generator, ModelSet } from '../../common/models/model-set.ts';
import type { AnnotateParams, EstimateParams } from '../../common/stages.ts';
import { contentsOf, restingOn } from '../../common/problems.ts';
import { conditionsOf } from '../pipeline/generator-conditions.ts';
import { generatorRefs, partRef } from '../pipeline/generator-parts.ts';
import { drawingSettings, drawnBy } from '../pipeline/generator-settings.ts';
import type { DrawingJob } from '../pipeline/generator-settings.ts';
import type { PartRef } from '../pipeline/job-base.ts';
import type { RecipePart, RecipeRequest } from '../recipe.ts';
import { askedControls } from './asked-controls.ts';
import type { AskedControl, ControlsSpec, PlaceOf } from './asked-controls.ts';
import { SCALE_MAX } from './courses.ts';
import type { Course } from './courses.ts';

/** Pictures that another program has made: the job's source `control`. Of outlines it is known what counts as one, to measure by. */
interface ReadyMade {
  readonly kind: 'ready-made';
  readonly outlines?: AnnotateParams;
}

/** How a control's pictures are made; those of `kind` by a model, `annotator.0` for the first control's, unless they are ready-made. */
export type Annotation = AnnotateParams | EstimateParams | ReadyMade;

/** Absent shares of the steps are 0 and 1. */
export type JobControl = Annotation & {
  readonly scale: Course;
  readonly start?: number;
  readonly end?: number;
};

/** One control that counts alike in all frames and steps has the place that it had before there were others. */
export type JobControls =
  | { readonly control: Annotation & { readonly scale: number } }
  | { readonly controls: readonly JobControl[] };

export type ControlledJob<N extends string> = DrawingJob &
  JobControls & {
    readonly task: N;
    /** Present where the frames of a window are drawn together, and are the clip. */
    readonly method?: 'controlvideo';
    readonly models: DrawingJob['models'] & {
      /** The UNet with what the controls need fused in. */
      readonly controlUnet: PartRef;
    } & Readonly<Record<`annotator.${number}`, PartRef>>;
  };

/** What a recipe draws with. */
export interface ControlKind<N extends string> {
  readonly task: N;
  readonly method?: 'controlvideo';
  /** For errors: `ControlNet`. */
  readonly called: string;
}

type Spec = ControlsSpec & Parameters<typeof drawingSettings>[0];

/** Its part of the job, or problems. */
export function acceptControls<N extends string>(
  kind: ControlKind<N>,
  request: RecipeRequest<Spec>,
): RecipePart<ControlledJob<N>> | undefined {
  const { spec, models, problems } = request;
  const asked = askedControls(spec, problems);
  if (asked === undefined) return undefined;
  if (request.sources['control']?.isStill === true && spec.frames > 1) {
    restingOn(problems, 'frames', 'part').push(
      `control.input: is one picture, where ${spec.frames} frames are rendered`,
    );
  }
  const generator = generatorFor(kind, asked.controls, models);
  if (typeof generator === 'string') {
    const known = knownControls(models);
    // What no task's models know is wrong whichever the task is.
    const isKnown = asked.controls.every(({ type }) => known.has(type));
    restingOn(problems, contentsOf('models'), ...(isKnown ? ['task', 'method'] : [])).push(
      `${asked.placeOf(0, 'type')}: ${generator}`,
    );
    return undefined;
  }
  const found: string[] = [];
  const drawn = annotated(generator, asked, { ...request, problems: found });
  restingOn(problems, contentsOf('models'), 'task', 'method').push(...found);
  if (drawn === undefined) return undefined;
  const { unet, ...others } = generatorRefs(generator, models.image);
  const annotators = drawn.flatMap(({ model }, i) =>
    model === undefined ? [] : [[`annotator.${i}`, partRef(model)] as const],
  );
  return {
    task: kind.task,
    ...(kind.method === undefined ? {} : { method: kind.method }),
    ...jobControls(drawn.map(({ control }) => control)),
    ...drawingSettings(spec, models),
    models: { controlUnet: unet, ...others, ...Object.fromEntries(annotators) },
  };
}

/** What acceptance checks the sampler against. */
export function drawingAlong<N extends string>(
  kind: ControlKind<N>,
  request: Pick<RecipeRequest<Spec>, 'spec' | 'models'>,
) {
  const asked = askedControls(request.spec, []);
  const generator = asked && generatorFor(kind, asked.controls, request.models);
  return drawnBy(typeof generator === 'object' ? generator : undefined, request);
}

/** Which of a recipe's panels a render shows. */
export function controlPanels(spec: ControlsSpec): readonly string[] {
  const count = askedControls(spec, [])?.controls.length ?? 1;
  return Array.from({ length: count }, (_, i) => controlRole(i));
}

/** The role of a control's pictures, in tasks that read them. */
export function controlRole(index: number): string {
  return index === 0 ? 'control' : `control${index + 1}`;
}

export function controlsOf(job: JobControls): readonly JobControl[] {
  return 'controls' in job ? job.controls : [job.control];
}

/** By its name, else the only one for these annotators in any order. A text says why there is none. */
function generatorFor(
  { task, method, called }: ControlKind<string>,
  asked: readonly AskedControl[],
  models: ModelSet,
): Generator | string {
  const types = asked.map(({ type }) => type);
  const all = Object.values(models.generators).filter(
    (one) => one.task === task && one.method === method,
  );
  const sorted = (names: readonly unknown[]): string => JSON.stringify(names.toSorted());
  const alike = all.filter(
    ({ conditions }) => sorted(conditions.map(({ annotator }) => annotator)) === sorted(types),
  );
  const [only, ...others] = all.some(({ name }) => name === types.join('+'))
    ? all.filter(({ name }) => name === types.join('+'))
    : alike;
  if (only !== undefined && others.length === 0) return only;
  const names = (list: readonly Generator[]): string => list.map(({ name }) => name).join(', ');
  const wanted = types.join(' and ');
  if (only !== undefined) {
    return `the models in ${models.folder} have several ${called}s for ${wanted}; name one of ${names(alike)}`;
  }
  return `the models in ${models.folder} have no ${called} for ${wanted} (they have: ${names(all) || 'none'})`;
}

/** All that frames can be drawn along, by whichever task. */
function knownControls({ generators }: ModelSet): ReadonlySet<unknown> {
  const all = Object.values(generators);
  return new Set(
    all.flatMap(({ name, conditions }) => [name, ...conditions.map((one) => one['annotator'])]),
  );
}

/** Of a control that the user gives none: what its weights are measured best at. */
const suited = z.number().min(0).max(SCALE_MAX).optional();

/** Outlines by canny: the thresholds that the generator was trained on. */
const CANNY_CONDITION = z
  .object({ annotator: z.literal('canny'), low: z.number(), high: z.number(), scale: suited })
  .refine(({ low, high }) => low <= high, 'low must not be above high');

/** What frames are drawn along: outlines, or what one of the card's annotators sees. */
const CONTROL_CONDITION = z
  .object({
    annotator: z.string().min(1),
    low: z.unknown().optional(),
    high: z.unknown().optional(),
    scale: suited,
  })
  .transform((condition, context) => {
    const { annotator, scale } = condition;
    if (annotator !== 'canny') return { annotator, scale };
    const found = CANNY_CONDITION.safeParse(condition);
    for (const { path, message } of found.error?.issues ?? [])
      context.addIssue({ code: 'custom', path, message });
    return found.data ?? z.NEVER;
  });

const CONDITIONS = z.array(CONTROL_CONDITION);

interface Annotated {
  readonly control: JobControl;
  readonly model?: ModelSet['image']['unet'];
}

/** The controls in the order of the generator's conditions, each with how its pictures are made. */
function annotated(
  generator: Generator,
  { controls, placeOf }: { readonly controls: readonly AskedControl[]; readonly placeOf: PlaceOf },
  request: Pick<RecipeRequest<Spec>, 'models' | 'source' | 'sources'> & {
    readonly problems: string[];
  },
): readonly Annotated[] | undefined {
  const { models, problems } = request;
  const conditions = conditionsOf(generator, CONDITIONS, request);
  if (conditions === undefined) return undefined;
  const place = `models: card.json in ${models.folder}, generators.${generator.name}.conditions`;
  if (conditions.length !== controls.length) {
    problems.push(
      `${place}: ${conditions.length}, where ${controls.length} of its name are asked for`,
    );
    return undefined;
  }
  const told = problems.length;
  const left = controls.map((control, index) => ({ control, index }));
  const made = conditions.map((condition): Annotated | undefined => {
    const own = left.findIndex(({ control }) => control.type === condition.annotator);
    const [{ control: asked, index } = left[0]!] = left.splice(Math.max(own, 0), 1);
    const weight = weightOf(asked, condition.scale);
    if ('low' in condition) {
      const { low, high } = condition;
      const thresholds = { low: asked.low ?? low, high: asked.high ?? high };
      if (thresholds.low > thresholds.high) {
        problems.push(
          `${placeOf(index, 'low')}: ${thresholds.low} is above the high threshold, ${thresholds.high}`,
        );
      }
      const outlines = { annotator: 'canny', ...thresholds } as const;
      if (asked.input === undefined) return { control: { ...outlines, ...weight } };
      return { control: { kind: 'ready-made', outlines, ...weight } };
    }
    if (asked.input !== undefined) return { control: { kind: 'ready-made', ...weight } };
    const annotator = models.annotators[condition.annotator];
    if (annotator === undefined) {
      problems.push(`${place}: card.json names no annotator ${condition.annotator}`);
      return undefined;
    }
    return { control: { ...estimateParams(annotator), ...weight }, model: annotator.model };
  });
  checkThresholds(controls, conditions, { placeOf, problems });
  const all = made.filter((one) => one !== undefined);
  return problems.length > told ? undefined : all;
}

function checkThresholds(
  controls: readonly AskedControl[],
  conditions: readonly { readonly annotator: string }[],
  { placeOf, problems }: { readonly placeOf: PlaceOf; readonly problems: string[] },
): void {
  const hasCanny = conditions.some(({ annotator }) => annotator === 'canny');
  for (const [index, { low, high }] of controls.entries()) {
    if (hasCanny || (low ?? high) === undefined) continue;
    const field = low === undefined ? 'high' : 'low';
    problems.push(`${placeOf(index, field)}: is a threshold of canny, which is no control here`);
    return;
  }
}

/** `suited`: the weight that suits the generator. */
function weightOf({ scale, start, end }: AskedControl, suited = 1) {
  return {
    scale: scale ?? suited,
    ...(start === 0 ? {} : { start }),
    ...(end === 1 ? {} : { end }),
  };
}

function estimateParams(annotator: Annotator): EstimateParams {
  if (annotator.kind === 'depth') return { kind: 'depth' };
  const { kind, skeleton, threshold } = annotator;
  return { kind, skeleton, threshold };
}

function jobControls(controls: readonly JobControl[]): JobControls {
  const [first, ...others] = controls;
  const { scale, start, end } = first!;
  if (others.length > 0 || typeof scale !== 'number' || (start ?? end) !== undefined) {
    return { controls };
  }
  return { control: { ...first!, scale } };
}
