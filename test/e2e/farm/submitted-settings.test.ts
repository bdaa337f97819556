// Goal: all of a job reaches the workers of a farm, settings that have no field in the wire's message and what is read beside the source among
// it: what `submit` makes of each task has the bytes that `render` makes.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { createMediaService } from '../../../workers/media/media-service.ts';
import { endOfCli, startCli } from '../../support/cli-process.ts';
import { sha256OfFile } from '../../support/farm/tenant-farm.ts';
import { FaultFarm } from '../../support/farm/fault-farm.ts';
import { disc, take, writeShots } from '../../support/media/drawn-shots.ts';
import { soundFile } from '../../support/media/sound-packets.ts';
import { FIXTURES, MASK, SOURCE } from '../cli/workplace.ts';
import { casesOf } from '../../support/thorough.ts';

let farm: FaultFarm;
const folder = await mkdtemp(join(tmpdir(), 'bivdiff-settings-'));
const [SHOTS, SCENES] = [join(folder, 'shots.txt'), join(folder, 'scenes.mp4')];
const CLIP = ['--input', SOURCE, '--frames', '8', '--steps', '4', '--size', '64x64'];
const PROMPT = ['--prompt', 'a green star moving right on a white background'];
const ALONG = ['--task', 'controlnet', ...PROMPT];
const WEIGHED = ['--control-scale', '0.2..1', '--control-start', '0.25', '--control-end', '0.8'];
/** Of 4 frames at 0, 3 and 4. */
const WINDOWS = ['--window', '4', '--window-stride', '3'];
const ADAPTED = ['--task', 't2i-adapter', ...PROMPT];
const INSTRUCTED = [
  ...['--task', 'instruct-pix2pix', '--prompt', 'make it blue', '--image-guidance-scale', '1.2'],
  ...['--frames', '3'],
];
const MASKED = ['--task', 'inpainting', '--prompt', '', '--keep-known', '--feather', '2'];
const REWORDED = [
  ...['--task', 'prompt-to-prompt', '--source-prompt', 'a red star on a gray background'],
  ...['--prompt', 'a green star on a gray background', '--reweight', 'green=2,star=0.5'],
  ...['--blend-words', 'star', '--blend-threshold', '0.8', '--cross-replace', '0.75'],
  ...['--self-replace', '0.7', '--frames', '2'],
];
const SOUNDING = ['--input', soundFile('aac.mp4'), '--stride', '1', '--fps', '12'];
const JOBS: readonly (readonly [string, readonly string[]])[] = [
  ['a ControlNet', ALONG],
  ['no inversion', [...ALONG, '--bridging', 'none', '--strength', '0.5']],
  ['shared noise', [...ALONG, '--shared-noise', '0.5']],
  ['steps that cost less', [...ALONG, '--fast']],
  ['features that are cached', [...ALONG, '--cache-interval', '2']],
  ['guidance that ends', [...ALONG, '--guidance-end', '0.5']],
  ['another sampler', [...ALONG, '--scheduler', 'heun']],
  ['timesteps of a list', [...ALONG, '--scheduler', 'euler', '--timesteps', '999,850,600,250,24']],
  ['a sampler that draws noise', [...ALONG, '--scheduler', 'lcm']],
  ['weighed controls', [...ALONG, ...WEIGHED, '--frames', '3']],
  ["VidRD's class", [...ALONG, '--video-model', 'vidrd']],
  ["AnimateDiff's class", [...ALONG, '--video-model', 'animatediff']],
  ['two controls', [...ALONG, '--control', 'canny,depth', '--control-scale', '1,0.6']],
  ['ControlVideo', [...ALONG, '--method', 'controlvideo']],
  ['windows that agree at each step', [...ALONG, ...WINDOWS, '--window-block', '2']],
  ['windows that are cross-faded', [...ALONG, ...WINDOWS, '--long', 'blend']],
  [
    'prompts and seeds of some frames',
    [...ALONG, ...WINDOWS, '--prompt-at', '2-4=a red circle', '--seed-at', '5=7'],
  ],
  ['shots that are found', [...ALONG, ...WINDOWS, '--input', SCENES, '--cuts', 'auto']],
  ['shots that are listed', [...ALONG, ...WINDOWS, '--cuts', SHOTS]],
  ['a part of a clip', [...ALONG, ...WINDOWS, '--frames', '5-6/8']],
  ['sound that is kept', [...ALONG, ...SOUNDING, '--start', '5', '--audio', 'keep']],
  ['joints', [...ALONG, '--control', 'pose']],
  ['a T2I-Adapter', [...ADAPTED, '--control', 'depth', '--frames', '3']],
  ['a mask', [...MASKED, '--mask', MASK, '--frames', '3']],
  ['outpainting', ['--task', 'outpainting', ...PROMPT]],
  ['InstructPix2Pix', INSTRUCTED],
  ['Prompt-to-Prompt', REWORDED],
];

/** One of each task; of a second source, and of settings without a field in the message, among them. */
const QUICK = [
  ...['weighed controls', 'a T2I-Adapter', 'a mask', 'InstructPix2Pix', 'Prompt-to-Prompt'],
];

const digests = new Set<string>();
beforeAll(async () => {
  farm = await FaultFarm.start({ workers: 1 });
  await writeFile(SHOTS, '0 3 6');
  await using media = createMediaService();
  const scenes = [disc([60, 80, 100], [220, 60, 60], 2), disc([150, 140, 60], [30, 60, 200], 3)];
  await writeShots(
    media,
    SCENES,
    scenes.flatMap((scene) => take(scene, 15)),
  );
});
afterAll(async () => {
  await farm.close();
  await rm(folder, { recursive: true, force: true });
});

async function run(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await endOfCli(startCli([...words]));
  expect(code, stderr).toBe(0);
  return stdout;
}

it.each(casesOf(JOBS, ([name]) => QUICK.includes(name)))(
  'renders and submits the same: %s',
  async (_, settings) => {
    const [local, fetched] = [
      join(folder, `local-${digests.size}.mp4`),
      join(folder, `fetched-${digests.size}.mp4`),
    ];
    const job = [...CLIP, ...settings];
    await run('render', ...job, '--output', local, '--store', join(folder, 'store'));
    const at = ['--server', farm.server];
    const submitted = JSON.parse(await run('submit', ...job, '--json', ...at)) as { job: string };
    await run('watch', submitted.job, '--quiet', ...at);
    await run('fetch', submitted.job, '--output', fetched, ...at);
    const digest = await sha256OfFile(local);
    expect(await sha256OfFile(fetched)).toBe(digest);
    // And each is another clip.
    expect(digests).not.toContain(digest);
    digests.add(digest);
  },
);

it.each([
  ['truncated.mp4', /^error: truncated\.mp4 is truncated/],
  ['odd-size.mp4', /--mask: .*sizes have to be equal/],
])('says what is wrong with a mask, by its name: %s', async (name, sentence) => {
  const job = [...CLIP, ...MASKED, '--mask', join(FIXTURES, name), '--server', farm.server];
  const { code, stderr } = await endOfCli(startCli(['submit', ...job]));
  expect(code, stderr).toBe(2);
  expect(stderr).toMatch(sentence);
});
