// Where the parts of a model set lie in its folder. Knows nothing of what is really there.

import { dirname, join } from 'node:path';

import type { CardGenerator, TemporalVideo } from './card.ts';
import type { Generator } from './model-set.ts';
import type { PartPlace } from './part-files.ts';

/**
 * Where the parts of an image model lie, in the layout of optimum's export (each graph in a folder) or of models/export
 * (graphs above the diffusers folder whose weights they read).
 */
export function imagePlaces(folder: string) {
  const at = (...names: string[]): string => join(folder, ...names);
  const unetConfigs = [at('unet', 'config.json')];
  return {
    tokenizer: { kind: 'tokenizer', name: 'image/tokenizer', folder: at('tokenizer') },
    textEncoder: textEncoderPlace('image', folder),
    unet: {
      kind: 'graph',
      name: 'image/unet',
      graphs: [at('unet', 'model.onnx')],
      configs: unetConfigs,
    },
    unetInflated: {
      kind: 'graph',
      name: 'image/unet-inflated',
      graphs: [at('unet', 'inflated.onnx'), at('unet_inflated', 'model.onnx')],
      configs: unetConfigs,
      isOptional: true,
    },
    vaeEncoder: vaePlace('image', folder, 'vae_encoder'),
    vaeDecoder: vaePlace('image', folder, 'vae_decoder'),
    scheduler: {
      kind: 'scheduler',
      name: 'image/scheduler',
      config: at('scheduler', 'scheduler_config.json'),
    },
  } as const satisfies Readonly<Record<string, PartPlace>>;
}

type GeneratorPart = keyof Omit<
  Generator,
  'name' | 'task' | 'method' | 'conditions' | 'mixingRatio'
>;

/** Where a generator's own parts lie. A graph that is no folder has the config of the UNet beside it, as ControlNets fused into that do, or else the image UNet's. */
export function generatorPlaces(
  name: string,
  folder: string,
  named: Omit<CardGenerator, 'task' | 'method' | 'conditions' | 'mixingRatio'>,
) {
  const at = (...names: string[]): string => join(folder, ...names);
  const prefix = `image/${name}`;
  const { unet, tokenizer, textEncoder, scheduler, vae } = named;
  return {
    unet: {
      kind: 'graph',
      name: `image/unet+${name}`,
      graphs: [at(`${unet}.onnx`), at(unet, 'model.onnx')],
      configs: [...new Set([at(unet), at(dirname(unet), 'unet'), at('unet')])].map((of) =>
        join(of, 'config.json'),
      ),
    } as const,
    tokenizer: tokenizer && {
      ...{ kind: 'tokenizer', name: `${prefix}/tokenizer` },
      folder: at(tokenizer),
    },
    textEncoder: textEncoder && {
      kind: 'graph',
      name: `${prefix}/text-encoder`,
      graphs: [at(textEncoder, 'model.onnx')],
      configs: [at(textEncoder, 'config.json')],
    },
    scheduler: scheduler && {
      ...{ kind: 'scheduler', name: `${prefix}/scheduler` },
      config: at(scheduler, 'scheduler_config.json'),
    },
    vaeEncoder: vae && vaePlace(prefix, at(vae), 'vae_encoder'),
    vaeDecoder: vae && vaePlace(prefix, at(vae), 'vae_decoder'),
  } as Readonly<Partial<Record<GeneratorPart, PartPlace>>> & { readonly unet: PartPlace };
}

/** Its config says how pictures are given to it: as transformers' image processors save it, or in a config.json. */
export function annotatorPlace(name: string, folder: string, model: string): PartPlace {
  const at = (...names: string[]): string => join(folder, ...names);
  return {
    kind: 'graph',
    name: `image/annotator+${name}`,
    graphs: [at(`${model}.onnx`), at(model, 'model.onnx')],
    configs: [at(model, 'preprocessor_config.json'), at(model, 'config.json')],
  };
}

function vaePlace(prefix: string, folder: string, half: 'vae_encoder' | 'vae_decoder'): PartPlace {
  return {
    kind: 'graph',
    name: `${prefix}/${half.replace('_', '-')}`,
    graphs: [join(folder, half, 'model.onnx'), join(folder, `${half}.onnx`)],
    configs: [join(folder, half, 'config.json'), join(folder, 'vae', 'config.json')],
  };
}

/** Where the parts of a video model lie that has a folder of its own. */
export function videoPlaces(name: string, folder: string) {
  const prefix = `video/${name}`;
  return {
    tokenizer: {
      kind: 'tokenizer',
      name: `${prefix}/tokenizer`,
      folder: join(folder, 'tokenizer'),
    },
    textEncoder: textEncoderPlace(prefix, folder),
    unet: {
      kind: 'graph',
      name: `${prefix}/unet`,
      graphs: [join(folder, 'unet', 'model.onnx')],
      configs: [join(folder, 'unet', 'config.json')],
    },
    scheduler: {
      kind: 'scheduler',
      name: `${prefix}/scheduler`,
      config: join(folder, 'scheduler', 'scheduler_config.json'),
      isOptional: true,
    },
  } as const satisfies Readonly<Record<string, PartPlace>>;
}

/** Where the UNet lies of a video model that is temporal layers over the image model, in whose folder they are. */
export function temporalPlace(name: string, folder: string, named: TemporalVideo): PartPlace {
  return {
    ...{ kind: 'graph', name: `video/${name}/unet` },
    graphs: [join(folder, `${named.unet}.onnx`)],
    configs: [join(folder, named.temporal, 'config.json')],
  };
}

function textEncoderPlace(prefix: string, folder: string): PartPlace {
  return {
    kind: 'graph',
    name: `${prefix}/text-encoder`,
    graphs: [join(folder, 'text_encoder', 'model.onnx')],
    configs: [join(folder, 'text_encoder', 'config.json')],
  };
}
