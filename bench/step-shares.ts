// What a step that uses deep features again costs beside a whole one, of the graphs that draw and smooth: medians of runs in turn, two threads.

import { openModelSet } from '../common/models/model-folder.ts';
import type { ModelPart } from '../common/models/model-set.ts';
import { openOnnxSession } from '../workers/inference/onnx/onnx-session.ts';
import { exampleInputs } from './gpu/example-inputs.ts';

const ROUNDS = 15;
const FRAMES = 8;
/** Of guidance; frames that are drawn are samples of their own. */
const HALVES = 2;
const LATENTS = { height: 16, width: 16 };

export interface StepShare {
  readonly graph: string;
  readonly wholeMs: number;
  readonly shallowMs: number;
}

/** Of the set's ControlNet graphs and video models. @param models - Its folder */
export async function measureStepShares(models: string): Promise<readonly StepShare[]> {
  const { generators, videos } = await openModelSet(models);
  const drawing = Object.values(generators).filter(({ task }) => task === 'controlnet');
  const shares: StepShare[] = [];
  for (const { unet, method } of drawing) {
    if (method === undefined) shares.push(await shareOf(unet, FRAMES * HALVES));
  }
  for (const { unet } of Object.values(videos)) shares.push(await shareOf(unet, HALVES));
  return shares;
}

async function shareOf({ name, graph }: ModelPart, batch: number): Promise<StepShare> {
  const open = { name, graph: graph!, threads: 2 };
  const whole = await openOnnxSession(open);
  const deep = await openOnnxSession({ ...open, form: 'deep' });
  const shallow = await openOnnxSession({ ...open, form: 'shallow' });
  const inputs = exampleInputs(whole.inputs, { ...LATENTS, batch, frames: FRAMES });
  const all = { ...inputs, ...(await deep.run(inputs)) };
  const taken = Object.fromEntries(shallow.inputs.map((input) => [input.name, all[input.name]!]));
  const times: Record<'whole' | 'shallow', number[]> = { whole: [], shallow: [] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [kind, session, feeds] of [
      ['whole', whole, inputs],
      ['shallow', shallow, taken],
    ] as const) {
      const begunMs = performance.now();
      await session.run(feeds);
      // The first run of a graph makes room for the others.
      if (round > 0) times[kind].push(performance.now() - begunMs);
    }
  }
  for (const session of [whole, deep, shallow]) await session.release();
  return { graph: name, wholeMs: median(times.whole), shallowMs: median(times.shallow) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
