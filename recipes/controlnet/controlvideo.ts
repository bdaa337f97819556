// `--method controlvideo`: the frames of a window are drawn together (arXiv 2305.13077), so no video model makes a clip of them. Acceptance alone; how
// they are drawn is window-drawing.ts's.

import { restingOn } from '../../common/problems.ts';
import type { RecipePart, RecipeRequest } from '../recipe.ts';
import type { SpecOf } from '../spec/schema.ts';
import { askedControls } from './asked-controls.ts';
import { acceptControls, drawingAlong } from './control-jobs.ts';
import type { ControlledJob } from './control-jobs.ts';

const KIND = { task: 'controlnet', method: 'controlvideo', called: 'ControlVideo graph' } as const;

type Spec = SpecOf<'controlnet'>;

export function acceptControlVideo(
  request: RecipeRequest<Spec>,
): RecipePart<ControlledJob<'controlnet'>> | undefined {
  restingOn(request.problems, 'method').push(...contradictionsOf(request.spec));
  return acceptControls(KIND, { ...request, spec: settled(request.spec) });
}

export function drawingTogether(request: Pick<RecipeRequest<Spec>, 'spec' | 'models'>) {
  return {
    ...drawingAlong(KIND, { ...request, spec: settled(request.spec) }),
    cachedUnet: undefined,
  };
}

/** All frames begin from one noise, and the smoother is told of steps of DDIM. */
function settled(spec: Spec): Spec {
  return { ...spec, scheduler: 'ddim', timesteps: undefined, sharedNoise: 1 };
}

function contradictionsOf(spec: Spec): readonly string[] {
  const { frames, window, scheduler, timesteps, sharedNoise, mixingRatio, inversion, bridging } =
    spec;
  const { long, windowStride, windowBlock, fast, cacheInterval = 1 } = spec;
  const has = 'method controlvideo';
  const alone = `${has} draws frames together, and one has none beside it`;
  const varying = askedControls(spec, [])?.controls.findIndex(
    ({ scale }) => typeof scale === 'object',
  );
  const bridged = `${has} bridges nothing: its frames are the clip; leave one of the two out`;
  const whole = `${has} smooths between steps, each of which is run whole; leave one of the two out`;
  const problems: Readonly<Record<string, string | false>> = {
    frames: frames === 1 && alone,
    window: frames > 1 && window === 1 && alone,
    scheduler:
      (scheduler ?? 'ddim') !== 'ddim' &&
      `${has} smooths between steps of ddim, so ${scheduler} cannot draw; leave one of the two out`,
    timesteps:
      timesteps !== undefined &&
      `${has} smooths between steps of ddim, which takes no timesteps of a list; leave one of the two out`,
    sharedNoise:
      (sharedNoise ?? 1) !== 1 &&
      `${has} draws all frames from one noise, which is 1; leave one of the two out`,
    fast: fast === true && whole,
    cacheInterval: cacheInterval > 1 && whole,
    long: long !== undefined && bridged,
    windowStride: windowStride !== undefined && bridged,
    windowBlock: windowBlock !== undefined && bridged,
    mixingRatio: mixingRatio !== undefined && bridged,
    'inversion.mode': inversion.mode !== undefined && bridged,
    'bridging.strategy': bridging.strategy !== 'mixed' && bridged,
    'bridging.strength': bridging.strength !== undefined && bridged,
    [spec.controls === undefined ? 'control.scale' : `controls.${varying}.scale`]:
      (varying ?? -1) >= 0 &&
      `${has} draws frames together, so a control has one weight for all of them`,
  };
  return Object.entries(problems).flatMap(([field, problem]) =>
    problem === false ? [] : [`${field}: ${problem}`],
  );
}
