// Recognises models that others made, in a folder or a file: diffusers' layout, graphs of optimum and of diffusers' old script, single files, VidRD's,
// the hub's cache, a folder of several of these. Reads names, configs and headers, no weights: the exporter checks those.

import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';

import { nearestWord } from '../flags/nearest.ts';
import { isOpen } from './export-command.ts';
import { refused } from './foreign.ts';
import type { Foreign, ForeignProblem } from './foreign.ts';
import { classOf, isFolder, readJson, readModel } from './model-folder.ts';
import { readPipeline } from './pipeline-folder.ts';
import { readOneModel } from './one-model.ts';
import { readSingleFile } from './single-file.ts';

const FILE_ENDINGS = ['.safetensors', '.ckpt', '.pt', '.pth', '.bin', '.gguf', '.onnx'];
/** What a set has one of at most, by its flag. */
const ONCE = { '--image': 'image models', '--xl': 'models of Stable Diffusion XL' };
const GRAPHS_HINT =
  'A set has graphs of its own (of a window of frames, of controlled attention), which are made of the weights: check the diffusers folder that these were exported from.';

/** What lies at the path, an absolute one. */
export async function recogniseModels(path: string): Promise<Foreign> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return missing(path);
  if (!found.isDirectory()) return readSingleFile(path);
  const names = (await readdir(path)).sort();
  return (
    (await lostCard(path, names)) ??
    (await hubCache(path, names)) ??
    (await graphs(path, names)) ??
    (await pipeline(path, names)) ??
    (await vidrd(path, names)) ??
    (await severalModels(path, names))
  );
}

async function missing(path: string): Promise<Foreign> {
  const beside = await readdir(dirname(path)).catch(() => []);
  const near = nearestWord(basename(path), beside);
  const hint =
    near === undefined ? 'Check the path.' : `Did you mean ${join(dirname(path), near)}?`;
  return refused('nothing', { path, problem: 'is not there', hint });
}

/** A set of ours but for its card. */
async function lostCard(path: string, names: readonly string[]): Promise<Foreign | undefined> {
  const image = names.includes('image') ? await readdir(join(path, 'image')) : [];
  if (!image.includes('vae_encoder.onnx')) return undefined;
  const hint = 'Copy the set again; models/demo/card.json is an example.';
  return refused('a set of graphs', { path, problem: 'has no card.json', hint });
}

/** `models--OWNER--NAME` of the hub's cache: the files lie by their commit. */
async function hubCache(path: string, names: readonly string[]): Promise<Foreign | undefined> {
  if (!names.includes('snapshots') || !names.includes('blobs')) return undefined;
  const commits = await readdir(join(path, 'snapshots'));
  if (commits.length === 1) return recogniseModels(join(path, 'snapshots', commits[0]!));
  const problem = `is a cache of the hub with ${String(commits.length)} commits`;
  const hint = `Check one of them, ${join(path, 'snapshots', commits[0] ?? 'COMMIT')} say.`;
  return refused("the hub's cache of a model", { path, problem, hint });
}

/** Pipelines that others exported. */
async function graphs(path: string, names: readonly string[]): Promise<Foreign | undefined> {
  const unet = await readdir(join(path, 'unet')).catch((): string[] => []);
  if (unet.some((name) => name.endsWith('.safetensors') || name.endsWith('.bin'))) return undefined;
  const index = await readJson(join(path, 'model_index.json'));
  const name = 'object' in index ? classOf(index.object) : undefined;
  const refuse = (what: string): Foreign =>
    refused(what, { path, problem: `is ${what}, without the weights`, hint: GRAPHS_HINT });
  if (unet.includes('model.onnx')) {
    const isOld =
      unet.includes('weights.pb') ||
      name?.startsWith('Onnx') === true ||
      !unet.includes('config.json');
    return refuse(
      isOld
        ? "an ONNX pipeline of diffusers' old script"
        : 'an ONNX pipeline in the layout of optimum',
    );
  }
  if (unet.some((one) => one.endsWith('openvino_model.xml'))) return refuse('an OpenVINO pipeline');
  if (names.some((one) => one.endsWith('.mlpackage') || one.endsWith('.mlmodelc')))
    return refuse('a Core ML pipeline');
  return undefined;
}

async function pipeline(path: string, names: readonly string[]): Promise<Foreign | undefined> {
  if (names.includes('config.json')) return readOneModel(path);
  const isPipeline = ['model_index.json', 'unet', 'transformer'].some((name) =>
    names.includes(name),
  );
  return isPipeline ? readPipeline(path) : undefined;
}

/** As its authors lay it out: one checkpoint beside one folder of Stable Diffusion 2.1. */
async function vidrd(path: string, names: readonly string[]): Promise<Foreign | undefined> {
  const checkpoints = names.filter((name) => extname(name) === '.pth');
  const bases: string[] = [];
  for (const name of names) if (await isFolder(join(path, name, 'unet'))) bases.push(name);
  if (checkpoints.length !== 1 || bases.length !== 1) return undefined;
  const { problems } = await readModel(join(path, bases[0]!, 'text_encoder'), 'CLIPTextModel');
  return {
    what: "VidRD's checkpoint beside Stable Diffusion 2.1",
    problems,
    flags: ['--video', `vidrd=${path}`],
  };
}

/** A folder of models, each in a folder or a file of its own. */
async function severalModels(path: string, names: readonly string[]): Promise<Foreign> {
  const inside: Foreign[] = [];
  for (const name of names.filter((one) => !one.startsWith('.'))) {
    const at = join(path, name);
    if (await holdsModel(at, name)) inside.push(await recogniseModels(at));
  }
  if (inside.length === 0) {
    const what = names.length === 0 ? 'is empty' : 'holds nothing that is known as a model';
    const hint =
      "Give a folder in diffusers' layout (with model_index.json), or a .safetensors file.";
    return refused('no model', { path, problem: what, hint });
  }
  const [first] = inside;
  if (inside.length === 1) return first!;
  const what = `a folder of ${String(inside.length)} models: ${inside.map((one) => one.what).join('; ')}`;
  const flags = inside.flatMap((one) => one.flags);
  for (const [flag, called] of Object.entries(ONCE)) {
    const given = flags.filter((value, i) => flags[i - 1] === flag && !isOpen(value));
    if (given.length > 1) {
      const problem = `holds ${String(given.length)} ${called}, and a set has one`;
      const hint = `Check one of them by itself: ${given.join(', ')}.`;
      return refused(what, { path, problem, hint });
    }
  }
  const clash = familyClash(inside) ?? nameClash(flags);
  if (clash !== undefined) return refused(what, { path, ...clash });
  const problems = inside.flatMap((one) => one.problems);
  return { what, problems, flags: withoutTwins(flags) };
}

type Clash = Pick<ForeignProblem, 'problem' | 'hint'>;

/** ControlNets draw with one UNet, which is that of Stable Diffusion XL where there is one. */
function familyClash(inside: readonly Foreign[]): Clash | undefined {
  const nets = inside.filter(({ flags }) => flags[0] === '--controlnet');
  const ofXl = nets.filter(({ flags }) => flags.includes('--xl'));
  const others = nets.filter((one) => !ofXl.includes(one)).map(({ flags }) => flags[1]!);
  const xl = inside.some(({ flags }) => flags[0] === '--xl') || ofXl.length > 0;
  if (!xl || others.length === 0) return undefined;
  const names = others.map((value) => value.slice(value.indexOf('=') + 1)).join(', ');
  return {
    problem: `holds Stable Diffusion XL or a ControlNet of it beside ControlNets of an image model (${names}), and those of a set are of one family`,
    hint: 'Make a set of each: move the one or the other into a folder of its own, and check both.',
  };
}

/** Two that would be called by one name. */
function nameClash(flags: readonly string[]): Clash | undefined {
  const paths = new Map<string, string[]>();
  for (let i = 0; i < flags.length; i += 2) {
    const [flag, value] = [flags[i]!, flags[i + 1]!];
    const [, name, at] = /^([\w.-]+)=(.*)$/.exec(value) ?? [];
    if (name === undefined || at === undefined || isOpen(value)) continue;
    const key = `${flag} ${name}`;
    paths.set(key, [...(paths.get(key) ?? []), at]);
  }
  const [twins] = [...paths].filter(([, of]) => of.length > 1);
  if (twins === undefined) return undefined;
  const [key, of] = twins;
  return {
    problem: `holds ${String(of.length)} models that \`${key}=PATH\` would name: ${of.join(', ')}`,
    hint: 'Check them one by one, and give the exporter each that is wanted by a name of its own.',
  };
}

async function holdsModel(at: string, name: string): Promise<boolean> {
  if (!(await isFolder(at))) return FILE_ENDINGS.includes(extname(name));
  const inside = await readdir(at);
  return inside.some(
    (one) =>
      ['config.json', 'model_index.json', 'unet'].includes(one) || extname(one) === '.safetensors',
  );
}

/** Flags that are given once, once: `--variant` and `--size` of several models. What one leaves open another may say. */
function withoutTwins(words: readonly string[]): readonly string[] {
  const kept = new Map<string, string>();
  const said = new Set(words.filter((_, i) => i % 2 === 0 && !isOpen(words[i + 1]!)));
  for (let i = 0; i < words.length; i += 2) {
    const [flag, value] = [words[i]!, words[i + 1]!];
    if (isOpen(value) && said.has(flag)) continue;
    const key = value.includes('=') ? `${flag} ${value}` : flag;
    if (!kept.has(key)) kept.set(key, value);
  }
  return [...kept].flatMap(([key, value]) => [key.split(' ')[0]!, value]);
}
