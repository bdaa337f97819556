// The command that makes a set of models that were recognised. Words in capitals are the user's to fill in.

import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';

export interface ExportCommand {
  /** To be typed in models/ of the repository. */
  readonly line: string;
  /** What each word in capitals stands for. */
  readonly open: readonly string[];
}

const MEANINGS: readonly (readonly [word: string, meaning: string])[] = [
  ['LICENSE', 'the licence of the weights, as their page names it'],
  ['IMAGE', 'the image pipeline that it goes with: a folder or a .safetensors file'],
  [
    'VIDEO',
    "a video model (ZeroScope's or VidRD's folder); or give a motion adapter by --motion-adapter NAME=FOLDER",
  ],
  [
    'TOKENIZER',
    'the `tokenizer` folder of a download of the same family, which a single file lacks',
  ],
  [
    'XL_TOKENIZER',
    'the `tokenizer` folder (not `tokenizer_2`) of a download of Stable Diffusion XL or 1, which a single file lacks',
  ],
  [
    'CONTROLNET',
    'the folder of a ControlNet for Stable Diffusion XL; canny is the name of what it sees',
  ],
  [
    'XL',
    'the pipeline folder of Stable Diffusion XL; or its .safetensors file, with --xl-tokenizer FOLDER',
  ],
  ['TYPE', 'v_prediction for models of 768 pixels (768-v), epsilon for those of 512 (base)'],
];

/** The command for the models at `path`, with these flags. */
export async function exportCommand(
  path: string,
  flags: readonly string[],
): Promise<ExportCommand> {
  const has = (...names: string[]): boolean => names.some((name) => flags.includes(name));
  const name = basename(path, extname(path) === '.safetensors' ? '.safetensors' : '');
  const words = [
    ...['--name', name, '--license', (await licenceOf(path)) ?? 'LICENSE'],
    ...['--out', join(dirname(path), `${name}-set`)],
    ...(has('--image') ? [] : ['--image', 'IMAGE']),
    ...flags,
    ...(has('--video', '--motion-adapter') ? [] : ['--video', 'video=VIDEO']),
  ];
  const open = MEANINGS.filter(([word]) => words.some((one) => isOpenAs(word, one)));
  return {
    line: `python -m export models ${words.map(quoted).join(' ')}`,
    open: open.map(([word, meaning]) => `${word}: ${meaning}`),
  };
}

/** Whether a flag's value is the user's to say. */
export function isOpen(value: string): boolean {
  return MEANINGS.some(([word]) => isOpenAs(word, value));
}

function isOpenAs(word: string, value: string): boolean {
  return value === word || value.endsWith(`=${word}`);
}

/** From the front matter of a model's page, which the hub keeps beside the weights. */
async function licenceOf(path: string): Promise<string | undefined> {
  const page = await readFile(join(path, 'README.md'), 'utf8').catch(() => '');
  return /^---\n(?:(?!---).*\n)*?license:\s*([\w.-]+)\s*\n/.exec(page)?.[1];
}

/** As a POSIX shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
