// Goal: Stable Diffusion XL in a single file is exported as its diffusers folder is, and what is none is refused with its reason. Method: a small random
// XL as a folder and as a file under the names of the original code (models/export/single_file/original_names.py, written apart from what reads them):
// graphs and stored weights have to be the same to the byte. Needs a Python with models/requirements.txt: $BIVDIFF_PYTHON, else python3.

import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { endOfCli, startCli } from '../support/cli-process.ts';
import { exporter, needPython, python } from '../support/exporter.ts';

const SOURCE = join(import.meta.dirname, '../../examples/source.mp4');

// Files made of xl.safetensors: one that says that it predicts velocity, and such as cannot be taken.
const WRITE_OTHERS = `
import sys, torch
from pathlib import Path
from safetensors.torch import load_file, save_file
out = Path(sys.argv[1])
whole = load_file(out / "xl.safetensors")
unet, first = "model.diffusion_model.", "model.diffusion_model.input_blocks.0.0.weight"
def write(name, *without, **more):
    kept = {key: one for key, one in whole.items() if not key.startswith(without)}
    save_file({**kept, **more}, out / f"{name}.safetensors")
write("velocity", v_pred=torch.tensor([]), ztsnr=torch.tensor([]))
for name, channels in (("inpainting", 9), ("instruct-pix2pix", 8)):
    write(name, **{first: torch.zeros(64, channels, 3, 3, dtype=torch.float16)})
write("no-texts", "conditioner.", "first_stage_model.")
write("no-second", "conditioner.embedders.1.")
write("lost", unet + "middle_block", unet + "label_emb.0.2.bias", "conditioner.embedders.1.model.text_projection")
block = unet + "input_blocks.5.1.transformer_blocks."
write("deeper", **{block + "2." + key.removeprefix(block + "1."): one.clone() for key, one in whole.items() if key.startswith(block + "1.")})
save_file({"conditioner.embedders.0.model.ln_final.weight": torch.zeros(4), first: torch.zeros(4, 4, 3, 3)}, out / "refiner.safetensors")
save_file({"lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": torch.zeros(4)}, out / "lora.safetensors")
save_file({"edm_mean": torch.zeros(4), first: torch.zeros(4, 4, 3, 3)}, out / "edm.safetensors")
save_file({"control_model.input_hint_block.0.weight": torch.zeros(4), "control_model.label_emb.0.0.weight": torch.zeros(4)}, out / "net.safetensors")
eight = torch.float8_e4m3fn
save_file({key: one.to(eight) if key.startswith(unet) else one for key, one in whole.items()}, out / "eight.safetensors")
torch.save({}, out / "pickle.ckpt")
for key in ("prediction_type", "predict_key"):
    save_file({"a": torch.zeros(1)}, out / f"{key}.safetensors", metadata={f"modelspec.{key}": "v"})
`;

// What the exporter says of each list of words, in one process, which is seconds to start.
const REFUSE = `
import contextlib, io, json, sys
from export.__main__ import main
told = []
for sys.argv[1:] in json.loads(sys.argv[1]):
    said, code = io.StringIO(), None
    try:
        with contextlib.redirect_stderr(said):
            main()
    except SystemExit as end:
        code = end.code
    told.append({"code": code, "lines": said.getvalue().strip().split("\\n")})
print(json.dumps(told))
`;

// What each file says that its model predicts.
const SAID = `
import sys
from pathlib import Path
from export.single_file.part import said_prediction_type
print(*(said_prediction_type(Path(file)) for file in sys.argv[1:]))
`;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-export-xl-file-'));
  await needPython();
  await exporter('rehearse', folder, '--form', 'single');
  await python('-c', WRITE_OTHERS, folder);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const at = (...names: readonly string[]): string => join(folder, ...names);
const file = (name: string): string => at(`${name}.safetensors`);

function words(out: string, ...flags: readonly string[]): string[] {
  const named = ['models', '--name', 'rehearsal', '--license', 'none', '--size', '128x128'];
  const beside = ['--controlnet', `canny=${at('controlnet-xl-canny')}`];
  return [...named, '--motion-adapter', `a=${at('motion-sd1')}`, '--out', at(out)].concat(
    ...[beside, flags],
  );
}

const image = (): readonly string[] => ['--image', at('sd1')];
const tokenizer = (): readonly string[] => ['--xl-tokenizer', at('xl/tokenizer')];

/** Digests of a set's graphs, stored weights and tokenizers. */
function digests(set: string): Record<string, string> {
  const paths = globSync('**/*.{onnx,safetensors,txt}', { cwd: at(set) }).sort();
  const digest = (path: string): string =>
    createHash('sha256')
      .update(readFileSync(at(set, path)))
      .digest('hex');
  return Object.fromEntries(paths.map((path) => [path, digest(path)]));
}

async function configOf(set: string, path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(at(set, 'image/xl', path), 'utf8')) as Record<string, unknown>;
}

/** What is refused of each list of flags. */
async function told(...commands: readonly (readonly string[])[]): Promise<readonly string[][]> {
  const all = commands.map((flags) => words('refused', ...flags));
  const said = await python('-c', REFUSE, JSON.stringify(all));
  const ended = JSON.parse(said.replaceAll(`${folder}/`, '')) as Refused[];
  for (const { code, lines } of ended) expect(code, lines.join('\n')).toBe(2);
  return ended.map(({ lines }) => lines);
}

interface Refused {
  readonly code: number | null;
  readonly lines: string[];
}

describe('Stable Diffusion XL in a single file', () => {
  it('is what its folder is', async () => {
    const written = await exporter(
      ...words('set-file', ...image(), '--xl', file('xl'), ...tokenizer()),
    );
    expect(written).toMatch(/\n10 of 10 parts: /);
    await exporter(...words('set-folder', ...image(), '--xl', at('xl')));
    const names = Object.keys(digests('set-file')).filter((path) => path.startsWith('image/xl/'));
    expect(names.filter((path) => path.endsWith('.onnx'))).toHaveLength(4);
    expect(digests('set-file')).toEqual(digests('set-folder'));
    for (const path of ['text_encoders/config.json', 'text_encoders/text_encoder_2/config.json']) {
      expect(await configOf('set-file', path), path).toEqual(await configOf('set-folder', path));
    }
    // What a picture is of does not depend on these: for which sizes the models were trained, and a projection that is not there.
    const spared = { sample_size: undefined, projection_dim: undefined };
    for (const part of ['unet', 'vae', 'text_encoders/text_encoder']) {
      const expected = { ...(await configOf('set-folder', `${part}/config.json`)), ...spared };
      expect({ ...(await configOf('set-file', `${part}/config.json`)), ...spared }).toEqual(
        expected,
      );
    }
    const scheduler = 'scheduler/scheduler_config.json';
    const expected = await configOf('set-folder', scheduler);
    expect(expected).toMatchObject(await configOf('set-file', scheduler));
    expect(expected).toMatchObject({ prediction_type: 'epsilon', rescale_betas_zero_snr: false });
  });

  it('is recognised, and can be rendered with; that it predicts velocity is taken from the file', async () => {
    const recognised = await endOfCli(startCli(['models', 'check', file('velocity')]));
    expect(recognised.stdout).toContain(
      `--xl ${file('velocity')} --xl-tokenizer XL_TOKENIZER --controlnet canny=CONTROLNET`,
    );
    const files = ['xl', 'velocity', 'prediction_type', 'predict_key'].map(file);
    expect((await python('-c', SAID, ...files)).trim()).toBe(
      'None v_prediction v_prediction v_prediction',
    );
    // Stable Diffusion 1's tokenizer is the same.
    const flags = ['--xl', file('velocity'), '--xl-tokenizer', at('sd1/tokenizer')];
    await exporter(...words('set-velocity', ...image(), ...flags));
    expect(await configOf('set-velocity', 'scheduler/scheduler_config.json')).toMatchObject({
      prediction_type: 'v_prediction',
      rescale_betas_zero_snr: true,
    });
    const render = ['render', '--models', at('set-velocity'), '--task', 'controlnet'];
    render.push('--control', 'canny', '--input', SOURCE, '--prompt', 'a red star', '--quiet');
    render.push('--frames', '4', '--steps', '2', '--store', at('store'));
    const ended = await endOfCli(startCli([...render, '--output', at('clip.mp4')]));
    expect(ended.code, ended.stderr).toBe(0);
  });

  const MADE_OF = "Take Stable Diffusion XL's base model, or one made of it.";
  const ARCHITECTURE =
    "It is of another architecture than Stable Diffusion XL's base model, or was not saved whole.";
  const WHOLE = 'Give a checkpoint that has UNet, VAE and both text encoders.';

  it('is refused where it is none, or lacks a part', async () => {
    const expected = Object.entries<readonly string[]>({
      refiner: [
        "is Stable Diffusion XL's refiner, which goes over what the base model has drawn. Give the base model by --xl.",
      ],
      inpainting: [`takes 9 channels, not 4: it sees a mask. ${MADE_OF}`],
      'instruct-pix2pix': [`takes 8 channels, not 4: it sees a picture to edit. ${MADE_OF}`],
      sd1: ['is a checkpoint of Stable Diffusion 1 or 2. Give it by --image.'],
      lora: [
        'is a LoRA, which changes a model and is none. Merge it into a checkpoint first, and give that.',
      ],
      edm: [
        "counts noise as EDM does (Playground 2.5, CosXL), for which there is no sampler. Such are not exported: take Stable Diffusion XL's base model, or one made of it.",
      ],
      net: ['is a ControlNet. Give it by --controlnet.'],
      'no-texts': [
        `has no text encoder: no name begins with conditioner.embedders.0.transformer. ${WHOLE}`,
        `has no second text encoder: no name begins with conditioner.embedders.1.model. ${WHOLE}`,
        `has no VAE: no name begins with first_stage_model. ${WHOLE}`,
      ],
      'no-second': [
        `has no second text encoder: no name begins with conditioner.embedders.1.model. ${WHOLE}`,
      ],
      lost: [
        `has a UNet of no kind that is known: it has no model.diffusion_model.label_emb.0.2.bias. ${ARCHITECTURE}`,
        `has a second text encoder of no kind that is known: it has no conditioner.embedders.1.model.text_projection. ${ARCHITECTURE}`,
      ],
      deeper: [
        `has 20 weights that are of no such UNet as its others, down_blocks.1.attentions.1.transformer_blocks.2.attn1.to_k.weight say. ${ARCHITECTURE}`,
      ],
      eight: [
        'has weights of its UNet as F8_E4M3, of which scales may lie elsewhere. Get the model as float16, bfloat16 or float32.',
      ],
    });
    const given = await told(
      ...expected.map(([name]) => [...image(), '--xl', file(name), ...tokenizer()]),
    );
    const said = given.map((lines, i) =>
      lines.map((line) => line.replace(`--xl ${expected[i]![0]}.safetensors: `, '')),
    );
    expect(Object.fromEntries(said.map((lines, i) => [expected[i]![0], lines]))).toEqual(
      Object.fromEntries(expected),
    );
  });

  it('goes to --xl alone, and needs the tokenizer of its first text encoder', async () => {
    const other = ['--inpaint', file('inpainting'), '--instruct', file('instruct-pix2pix')];
    other.push('--controlnet', `net=${file('net')}`, '--xl-prediction-type', 'epsilon');
    const xl = [...image(), '--xl', file('xl')];
    const said = await told(
      ['--image', file('xl'), '--tokenizer', at('sd1/tokenizer'), ...other],
      xl,
      [...xl, '--xl-tokenizer', at('xl/tokenizer_2')],
      [...image(), '--xl', at('xl'), ...tokenizer()],
      [...image(), '--xl', at('pickle.ckpt')],
    );
    const beside = 'is of Stable Diffusion XL, which draws beside an image model';
    const like = 'Such are not exported: take the like of Stable Diffusion 1 or 2.';
    expect(said).toEqual([
      [
        `--image xl.safetensors: ${beside}. Give it by --xl.`,
        `--inpaint inpainting.safetensors: is of Stable Diffusion XL with 9 channels, not 4. ${like}`,
        `--instruct instruct-pix2pix.safetensors: is of Stable Diffusion XL with 8 channels, not 4. ${like}`,
        '--xl-prediction-type epsilon: is for an --xl that is a single file. There is no --xl: leave the flag away.',
        "--controlnet net=net.safetensors: is a ControlNet of Stable Diffusion XL. Give its folder in diffusers' layout by --controlnet.",
      ],
      [
        '--xl-tokenizer: is missing. A single file has none: give by --xl-tokenizer the `tokenizer` folder of any download of Stable Diffusion XL, or of 1, which has the same (vocab.json and merges.txt; that of openai/clip-vit-large-patch14).',
      ],
      [
        "--xl-tokenizer xl/tokenizer_2: fills texts up with !, as the second text encoder has them, not with their end. Give that of the first: `tokenizer`, not `tokenizer_2`, or Stable Diffusion 1's.",
      ],
      [
        '--xl-tokenizer xl/tokenizer: is for an --xl that is a single file. The folder of --xl has its own: leave the flag away.',
      ],
      [
        '--xl pickle.ckpt: is a pickle, and reading one could run a program. Get the model as .safetensors.',
        expect.stringMatching(/^--xl-tokenizer: is missing\. /),
      ],
    ]);
  });
});
