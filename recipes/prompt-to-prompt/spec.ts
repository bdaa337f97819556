// What a user says of a render that changes words of a clip's description, and with them the clip.

import { z } from 'zod';

import { recipeSpec } from '../recipe.ts';
import { DRAWING_FIELDS, DRAWING_FLAGS, words } from '../spec/fields.ts';
import { promptText } from '../spec/values.ts';
import { EDIT_KINDS } from './params.ts';

/** What conditions the inversion of the source; the official code takes the negative prompt, which is empty there. */
const SOURCE_INVERSIONS = ['source-prompt', 'negative-prompt'] as const;

const share = z.number().min(0).max(1);
const weight = z.number().min(-100).max(100);
const weightOfWord = z.record(z.string().min(1), weight);

/** `red=2,large=-1` as well as an object. */
const weightsSpec = z.union([
  z
    .string()
    .regex(
      /^[^=,\s]+=-?\d+(\.\d+)?(,[^=,\s]+=-?\d+(\.\d+)?)*$/,
      'expected WORD=WEIGHT,... such as red=2,large=-1',
    )
    .refine(
      (text) => new Set(namesOf(text)).size === namesOf(text).length,
      'expected each word once',
    )
    .transform((text) => Object.fromEntries(text.split(',').map(weightOfPair)))
    .pipe(weightOfWord),
  weightOfWord,
]);

function weightOfPair(pair: string): [string, number] {
  const [word = '', value] = pair.split('=');
  return [word, Number(value)];
}

function namesOf(text: string): readonly string[] {
  return text.split(',').map((pair) => pair.split('=')[0]!.toLowerCase());
}

/** `star,circle` as well as a list. */
const wordList = z.array(z.string().regex(/^\S+$/, 'expected single words')).min(1);
const wordsSpec = z.union([
  z
    .string()
    .transform((text) => text.split(',').map((word) => word.trim()))
    .pipe(wordList),
  wordList,
]);

const editSpec = z.strictObject({
  kind: words(EDIT_KINDS).default('replace'),
  sourcePrompt: promptText.optional(),
  weights: weightsSpec.optional(),
  blendWords: wordsSpec.optional(),
  blendThreshold: share.default(0.3),
  crossReplace: share.default(0.4),
  selfReplace: share.default(0.4),
  sourceInversion: words(SOURCE_INVERSIONS).default('source-prompt'),
  sourceGuidanceScale: z.number().min(1).max(100).default(1),
});

export const promptToPrompt = recipeSpec({
  name: 'prompt-to-prompt',
  doc: 'Words that describe the source are changed, and it with them: Prompt-to-Prompt',
  fields: {
    guidanceScale: DRAWING_FIELDS.guidanceScale,
    scheduler: DRAWING_FIELDS.scheduler,
    edit: editSpec.prefault({}),
  },
  panels: { source: 'source' },
  flags: [
    {
      name: 'source-prompt',
      kind: 'text',
      value: 'TEXT',
      field: 'edit.sourcePrompt',
      doc: 'What the source shows; the prompt says what it shall show instead',
      defaultText: 'the prompt, of which only weights change',
    },
    {
      name: 'edit',
      kind: 'word',
      value: 'KIND',
      field: 'edit.kind',
      doc: 'Whether the prompt has other words in the same places, or more or fewer words',
    },
    {
      name: 'reweight',
      kind: 'text',
      value: 'WORD=X,...',
      field: 'edit.weights',
      doc: 'Weights of words of the prompt: above 1 more of them, below 1 less, below 0 the opposite',
    },
    {
      name: 'blend-words',
      kind: 'text',
      value: 'WORD,...',
      field: 'edit.blendWords',
      doc: 'Words of either prompt; only where the frame attends to them may it change',
      defaultText: 'it may change anywhere',
    },
    {
      name: 'blend-threshold',
      kind: 'number',
      value: 'X',
      field: 'edit.blendThreshold',
      doc: 'Share of the most attention to those words from which on a place may change',
    },
    {
      name: 'cross-replace',
      kind: 'number',
      value: 'X',
      field: 'edit.crossReplace',
      doc: "Share of the steps in which attention to the words is the source's",
    },
    {
      name: 'self-replace',
      kind: 'number',
      value: 'X',
      field: 'edit.selfReplace',
      doc: "Share of the steps in which attention between places is the source's",
    },
    {
      name: 'source-inversion',
      kind: 'word',
      value: 'PROMPT',
      field: 'edit.sourceInversion',
      doc: 'Which prompt the source is inverted by',
    },
    {
      name: 'source-guidance',
      kind: 'number',
      value: 'X',
      field: 'edit.sourceGuidanceScale',
      doc: 'Guidance of the source, which is drawn again beside the edit; at 1 it stays what it was',
    },
    // What is drawn begins where the inversion ended, with its noise.
    ...DRAWING_FLAGS.filter(({ field }) => field !== 'timesteps' && field !== 'sharedNoise'),
  ],
});
