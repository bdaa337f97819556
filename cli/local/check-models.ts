// What `bivdiff models check` looks at once no file of a set is missing: whether its graphs load and are what their roles need,
// whether its schedulers can be sampled with, and which graphs lose digits.

import {
  CLIPPING_HINT,
  clippingSchedulers,
  clippingText,
} from '../../common/diffusion/clipped-latents.ts';
import { nearestSampler } from '../../common/diffusion/nearest-sampler.ts';
import { BivdiffError } from '../../common/errors.ts';
import type { ModelPart, ModelSet } from '../../common/models/model-set.ts';
import { readOnnxFile } from '../../common/models/onnx-file.ts';
import { samplerProblems } from '../../coordinator/domain/check-samplers.ts';
import type { GraphKind } from '../../workers/inference/graph-kind.ts';

export interface ModelFinding {
  /** Say `image/unet`; or `card`. */
  readonly part: string;
  readonly what: string;
  /** What to do about it. */
  readonly hint?: string | undefined;
}

export interface ModelFindings {
  /** What keeps the set from being rendered with, all of it or with the card's defaults. */
  readonly problems: readonly ModelFinding[];
  /** What makes it render worse than it could. */
  readonly warnings: readonly ModelFinding[];
}

export const NOTHING: ModelFindings = { problems: [], warnings: [] };

/** Loads every graph, one at a time; takes as long as that. */
export async function checkModelSet(set: ModelSet): Promise<ModelFindings> {
  const roles = await graphRoles(set);
  const graphs = await graphProblems(roles);
  const parts = [...new Set(roles.map(({ part }) => part))];
  return {
    problems: [...graphs, ...schedulerProblems(set)],
    warnings: [...parts.flatMap(lostDigits), ...otherSamplers(set), ...clippings(set)],
  };
}

/** Compares every graph's inputs and outputs with what its role needs. */
async function graphProblems(roles: readonly GraphRole[]): Promise<ModelFinding[]> {
  const { checkGraphContract } = await import('../../workers/inference/graph-contract.ts');
  const { openOnnxSession } = await import('../../workers/inference/onnx/onnx-session.ts');
  const problems: ModelFinding[] = [];
  for (const { part, kind } of roles) {
    if (part.graph === undefined) continue;
    try {
      const session = await openOnnxSession({ name: part.name, graph: part.graph, threads: 1 });
      try {
        checkGraphContract(session, kind, part.config);
      } finally {
        await session.release();
      }
    } catch (reason) {
      const { message, hint } = BivdiffError.from(reason, `loading ${part.name}`);
      problems.push({ part: part.name, what: message, hint });
    }
  }
  return problems;
}

interface GraphRole {
  readonly part: ModelPart;
  readonly kind: GraphKind;
}

async function graphRoles({
  image,
  generators,
  annotators,
  videos,
}: ModelSet): Promise<GraphRole[]> {
  const kinds = await import('../../workers/inference/graph-contract.ts');
  const { findBody } = await import('../../recipes/lane-stages.ts');
  const { unetOf } = await import('../../recipes/recipe-body.ts');
  const { ANNOTATORS } = await import('../../workers/pipelines/estimate/graphs.ts');
  const roles: GraphRole[] = [
    { part: image.textEncoder, kind: kinds.TEXT_ENCODER },
    { part: image.unet, kind: kinds.IMAGE_UNET },
    { part: image.vaeEncoder, kind: kinds.VAE_ENCODER },
    { part: image.vaeDecoder, kind: kinds.VAE_DECODER },
  ];
  if (image.unetInflated !== undefined) {
    roles.push({ part: image.unetInflated, kind: kinds.INFLATED_UNET });
  }
  for (const { kind, model } of Object.values(annotators)) {
    roles.push({ part: model, kind: ANNOTATORS[kind] });
  }
  for (const generator of Object.values(generators)) {
    const { task, unet, textEncoder, vaeEncoder, vaeDecoder, conditions } = generator;
    const body = findBody(task);
    if (body !== undefined) roles.push({ part: unet, kind: unetOf(body, conditions.length) });
    if (textEncoder !== image.textEncoder) {
      roles.push({ part: textEncoder, kind: kinds.TEXT_ENCODER });
    }
    if (vaeEncoder !== image.vaeEncoder) {
      roles.push({ part: vaeEncoder, kind: kinds.VAE_ENCODER });
      roles.push({ part: vaeDecoder, kind: kinds.VAE_DECODER });
    }
  }
  for (const video of Object.values(videos)) {
    roles.push({ part: video.textEncoder, kind: kinds.TEXT_ENCODER });
    roles.push({ part: video.unet, kind: kinds.CLIP_UNET });
  }
  return roles;
}

/** Where a field of a spec has its default in a card. */
const CARD_FIELDS: Readonly<Record<string, string>> = {
  steps: 'defaults.steps',
  scheduler: 'defaults.scheduler',
  'inversion.mode': 'defaults.inversion',
  models: 'image',
  videoModel: 'videos',
};

/** Why a render with the card's defaults would be refused for its schedulers: by the check that refuses it. */
function schedulerProblems({ image, generators, videos, defaults }: ModelSet): ModelFinding[] {
  const { steps, sampler, inversion } = defaults;
  const { scheduler } = image;
  const drawn = Object.values(generators).map(({ scheduler: generatorScheduler }) => ({
    sampler,
    generatorScheduler,
  }));
  const lines = [
    ...(drawn.length === 0 ? [{}] : drawn).flatMap((drawing) =>
      samplerProblems({ steps, scheduler, inversion, ...drawing }),
    ),
    ...Object.values(videos)
      .flatMap((video) => samplerProblems({ steps, scheduler, video }))
      .filter((line) => line.startsWith('videoModel: ')),
  ];
  return [...new Set(lines)].map((line) => {
    const [field = ''] = line.split(': ', 1);
    const what = `${CARD_FIELDS[field] ?? field}${line.slice(field.length)}`;
    return { part: 'card', what };
  });
}

/** Schedulers that frames are drawn with, of a class that has no sampler of its own: they are drawn with another. */
function otherSamplers({ image, generators, defaults }: ModelSet): ModelFinding[] {
  const own = Object.values(generators).map(({ scheduler }) => scheduler);
  return [...new Set([image.scheduler, ...own])].flatMap(({ name, config, configFile }) => {
    const nearest = nearestSampler(config);
    if (nearest?.difference === undefined) return [];
    const { className, sampler, difference } = nearest;
    const what =
      `${name}: ${configFile ?? name} was saved by ${className}, of which there is no sampler: ` +
      `frames are drawn with ${defaults.sampler}, the card's default`;
    const hint = `\`--scheduler ${sampler}\` stands nearest: it ${difference}. docs/samplers.md has all of them.`;
    return [{ part: name, what, hint }];
  });
}

/** Schedulers by which the card's sampler, an inversion or smoothing keeps latents within bounds. */
function clippings({ image, generators, defaults }: ModelSet): ModelFinding[] {
  const { sampler, inversion } = defaults;
  const drawing = [image, ...Object.values(generators)].map(({ scheduler }) => {
    return { scheduler, sampler };
  });
  const bridging = { scheduler: image.scheduler, sampler: 'ddim' as const, inversion };
  return clippingSchedulers([...drawing, bridging]).map(([{ name, configFile }, bound]) => {
    const what = `${name}: ${configFile ?? name} ${clippingText(bound)}`;
    return { part: name, what, hint: CLIPPING_HINT };
  });
}

/**
 * ONNX Runtime computes GroupNormalization as ONNX defines it, its variance as the mean of squares less the square of the mean:
 * two large numbers, whose difference keeps few digits. InstanceNormalization and LayerNormalization have kernels that do not.
 */
function lostDigits({ name, graph }: ModelPart): ModelFinding[] {
  if (graph === undefined || !readOnnxFile(graph).operators.includes('GroupNormalization'))
    return [];
  return [
    {
      part: name,
      what:
        `${name}: ${graph} has the operator GroupNormalization, in which ONNX Runtime loses digits where values have a large mean: ` +
        'off by 0.4 at a mean of 1,000 deviations, by hundreds or NaN at 10,000',
      hint:
        "Export it with opset 18 (`opset_version=18` of torch.onnx.export, `--opset 18` of optimum's command, or `python -m export`): " +
        'there group norms become InstanceNormalization, which keeps them.',
    },
  ];
}
