// A folder of frames as the source of a render, with the real program. Goal: what lies there beside the pictures is no part of the
// source, so a note that somebody leaves in the folder makes nothing anew.

import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { bivdiff, createWorkplace, jsonOf, tinyFlags } from './workplace.ts';

const FRAMES = join(import.meta.dirname, '../../support/media/cases/reported/frames');

interface Plan {
  readonly job: string;
  readonly tasks: { readonly total: number; readonly toRun: number };
}

it('a stray file in a folder of frames leaves the job and its results as they are', async () => {
  await using place = await createWorkplace();
  const input = place.path('frames');
  await cp(FRAMES, input, { recursive: true });
  const flags = tinyFlags(place, { input, stride: '1' });
  const rendered = await bivdiff(
    ...['render', ...flags, '--json', '--quiet', '--output', place.path('out', 'clip.mp4')],
  );
  expect(rendered.code, rendered.stderr).toBe(0);
  await writeFile(join(input, 'notes.txt'), 'a note');
  await writeFile(join(input, '.DS_Store'), 'what a Mac leaves');
  await writeFile(join(input, 'making-of.mov'), 'no picture');
  const plan = jsonOf<Plan>(await bivdiff('plan', '--json', ...flags));
  expect(plan).toMatchObject({
    job: jsonOf<{ job: string }>(rendered).job,
    tasks: { toRun: 0 },
  });
});
