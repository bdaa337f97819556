// Goal: what does not fit of an edit ends in one clear error before any work; what is cut off is told. Method: the real program.

import { describe, expect, it } from 'vitest';

import { SOURCE, bivdiff, createWorkplace, expectOneError, tinyFlags } from './workplace.ts';
import type { Workplace } from './workplace.ts';

const FLAGS = {
  ...{ task: 'prompt-to-prompt', input: SOURCE, models: 'demo', frames: '2', steps: '1' },
  ...{ prompt: 'a blue star', 'source-prompt': 'a red star' },
};

function flagsOf(place: Workplace, changes: Readonly<Record<string, string>>): string[] {
  const output = place.path('out', 'clip.mp4');
  const all = tinyFlags(place, { ...FLAGS, output, ...changes });
  return all.filter((word, at) => word !== '--control' && all[at - 1] !== '--control');
}

describe('an edit that does not fit is refused', () => {
  it.each([
    ['of more words', { 'source-prompt': 'a star' }, /--edit: replace goes word by word/],
    ['of nothing', { 'source-prompt': 'a blue star' }, /--source-prompt: the same as the prompt/],
    ['of absent words', { reweight: 'red=2' }, /--reweight: the prompt has no "red"/],
    ['of odd weights', { reweight: 'blue' }, /--reweight: expected WORD=WEIGHT/],
    ['blended by no word', { 'blend-words': 'moon' }, /--blend-words: neither prompt has "moon"/],
    ['with noise to share', { 'shared-noise': '0.5' }, /--shared-noise: for task .* only/],
  ])('%s', async (_, changes, message) => {
    await using place = await createWorkplace();
    const run = await bivdiff('render', '--quiet', ...flagsOf(place, changes));
    expectOneError(run, message);
    expect(await place.outputs()).toEqual([]);
  });

  it('by models that cannot draw it', async () => {
    await using place = await createWorkplace();
    const flags = tinyFlags(place, { ...FLAGS, output: place.path('out', 'clip.mp4') });
    const { TINY_SET } = await import('../../support/models/paths.ts');
    const words = [
      ...flags.filter((word, at) => word !== '--control' && flags[at - 1] !== '--control'),
    ];
    words[words.indexOf('--models') + 1] = TINY_SET;
    const run = await bivdiff('render', '--quiet', ...words);
    expectOneError(run, /have no UNet whose attention a prompt can lead/);
    expect(await place.outputs()).toEqual([]);
  });
});

it("a source's prompt that is too long is read as far as it goes, and that is told", async () => {
  await using place = await createWorkplace();
  const long = `${'a '.repeat(75)}red star`;
  const run = await bivdiff(
    'plan',
    ...flagsOf(place, { 'source-prompt': long, edit: 'refine' }).filter(isOfPlan),
  );
  expect(run.stderr).toMatch(/^warning: --source-prompt: .* Cut off: red star$/m);
});

/** A plan writes nothing. */
function isOfPlan(word: string, at: number, all: readonly string[]): boolean {
  return word !== '--output' && all[at - 1] !== '--output';
}
