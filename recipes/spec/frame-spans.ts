// Settings of some frames of a clip, as a user writes them: prompts and seeds of spans of frames, and the part of the clip that is wanted.

import { z } from 'zod';

import type { FrameSpan } from '../pipeline/job-base.ts';
import type { SettingFlag } from './flag.ts';
import { integer, PROMPT_CHARACTERS_MAX, promptText } from './values.ts';

/** A task looks through all of them. */
const SPANS_MAX = 256;
/** Of the frames of an entry that is a text. */
const SPAN_CHARACTERS_MAX = 40;
const FRAME_MAX = 9_999_999;
const SPAN = /^(\d{1,7})(?:-(\d{1,7}))?$/;
const ENTRY = /^\s*([^=]*?)\s*=([^]*)$/;

/** `120-180`, both ends among them, or `120`. */
const spanText = z.union([z.string(), z.int()]).transform((value, context) => {
  const text = String(value).trim();
  if (!SPAN.test(text)) {
    const given = JSON.stringify(value);
    const message = `expected frames such as 120-180 (from 0, both among them), got ${given}`;
    context.addIssue({ code: 'custom', message });
  }
  return text;
});

/** Of a text that the schema has let through. */
export function spanOf(text: string): FrameSpan {
  const [, first = '', last = first] = SPAN.exec(text)!;
  return { first: Number(first), last: Number(last) };
}

/** `FRAMES=VALUE` as well as an object. */
function entries<E extends z.ZodType>(entry: E, field: string) {
  const inText = z
    .string()
    .max(PROMPT_CHARACTERS_MAX + SPAN_CHARACTERS_MAX)
    .transform((text, context): unknown => {
      const [, frames, value] = ENTRY.exec(text) ?? [];
      if (frames !== undefined && value !== undefined) return { frames, [field]: value };
      const message = `expected FRAMES=${field.toUpperCase()}, such as 120-180=..., got ${JSON.stringify(text)}`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    })
    .pipe(entry as z.ZodType<z.output<E>>);
  return z
    .array(z.union([inText, entry]))
    .min(1)
    .max(SPANS_MAX);
}

const someText = promptText.refine((text) => text.trim() !== '', {
  error: 'a prompt is missing: expected some text',
});

const SEED_FORM = `expected a seed, 0 to ${Number.MAX_SAFE_INTEGER}`;
const seed = z.union(
  [
    // Up to the greatest safe one: that it is one is in it.
    z.int(SEED_FORM).min(0, SEED_FORM),
    z
      .string()
      .regex(/^\s*\d+\s*$/)
      .transform(Number)
      .refine(Number.isSafeInteger, { error: SEED_FORM, abort: true }),
  ],
  { error: SEED_FORM },
);

/** Of every recipe that may be told something else of some frames. */
export const PROMPT_SPAN_FIELDS = {
  prompts: entries(
    z.strictObject({ frames: spanText, prompt: someText, videoPrompt: someText.optional() }),
    'prompt',
  ).optional(),
  promptFade: integer(0, 1000).optional(),
};

/** Of every recipe. */
export const SPAN_FIELDS = {
  seeds: entries(z.strictObject({ frames: spanText, seed }), 'seed').optional(),
  part: z
    .strictObject({
      first: integer(0, FRAME_MAX),
      last: integer(0, FRAME_MAX),
      /** Whether the whole is as long as `frames` says, or as the source allows. */
      of: z.enum(['frames', 'source']).default('frames'),
    })
    .optional(),
};

export const PROMPT_SPAN_FLAGS: readonly SettingFlag[] = [
  {
    name: 'prompt-at',
    kind: 'list',
    value: 'A-B=TEXT',
    field: 'prompts',
    doc: 'What frames A to B show instead, counted from 0 as they are rendered, both among them; may be given several times',
    defaultText: 'the prompt',
  },
  {
    name: 'prompt-fade',
    kind: 'number',
    value: 'N',
    field: 'promptFade',
    doc: 'Frames at each end of --prompt-at, within it, over which its prompt comes and goes',
    defaultText: '4',
  },
];
